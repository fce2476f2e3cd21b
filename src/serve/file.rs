//! A file of the site as an answer.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
};
use axum::http::response::Builder;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use super::conditions::{Validators, Wanted, wanted};
use crate::model::media;

/// Read at a time.
const CHUNK: usize = 64 << 10;

/// Of a feed, so much is read to tell what it is.
const HEAD: u64 = 1 << 10;

/// A file that is open, and stays what it is, whatever is published meanwhile: no file of a site is ever written into.
#[derive(Debug)]
pub(super) struct SiteFile {
    file: File,
    length: u64,
    is: Validators,
    content_type: String,
}

impl SiteFile {
    /// Looks at an open file of this name. Blocks.
    pub(super) fn new(mut file: File, path: &Path) -> io::Result<Self> {
        let found = file.metadata()?;
        // A file that comes in the place of another is another one, or has another date.
        let etag = format!("\"{:x}-{:x}-{:x}\"", found.len(), nanoseconds(&found), found.ino());
        let content_type = content_type(&mut file, path)?;
        let is = Validators::new(etag, found.modified()?);
        Ok(Self { file, length: found.len(), is, content_type })
    }

    /// The answer to a request with these headers.
    pub(super) async fn answer(self, method: &Method, headers: &HeaderMap) -> io::Result<Response> {
        let what = wanted(method, headers, &self.is, self.length);
        let answer = Response::builder()
            .header(ETAG, &self.is.etag)
            .header(LAST_MODIFIED, httpdate::fmt_http_date(self.is.modified))
            .header(ACCEPT_RANGES, "bytes")
            // It may be kept, and is asked for anew each time: then nobody sees one page older than another.
            .header(CACHE_CONTROL, "no-cache");
        let whole = (0, self.length);
        match what {
            Wanted::Whole => self.send(answer.status(StatusCode::OK), whole, method).await,
            Wanted::Part { from, length } => {
                let range = format!("bytes {from}-{}/{}", from + length - 1, self.length);
                let answer = answer.status(StatusCode::PARTIAL_CONTENT).header(CONTENT_RANGE, range);
                self.send(answer, (from, length), method).await
            }
            Wanted::Unchanged => empty(answer.status(StatusCode::NOT_MODIFIED)),
            Wanted::Another => empty(answer.status(StatusCode::PRECONDITION_FAILED)),
            Wanted::Outside => {
                let range = format!("bytes */{}", self.length);
                empty(answer.status(StatusCode::RANGE_NOT_SATISFIABLE).header(CONTENT_RANGE, range))
            }
        }
    }

    /// The page that a site has for what is not there, whole.
    pub(super) async fn answer_missing(self, method: &Method) -> io::Result<Response> {
        let whole = (0, self.length);
        self.send(Response::builder().status(StatusCode::NOT_FOUND), whole, method).await
    }

    async fn send(
        self,
        answer: Builder,
        (from, length): (u64, u64),
        method: &Method,
    ) -> io::Result<Response> {
        let answer = answer.header(CONTENT_TYPE, self.content_type).header(CONTENT_LENGTH, length);
        if method == Method::HEAD {
            return empty(answer);
        }
        let mut file = tokio::fs::File::from_std(self.file);
        if from > 0 {
            tokio::io::AsyncSeekExt::seek(&mut file, SeekFrom::Start(from)).await?;
        }
        answer
            .body(Body::from_stream(ReaderStream::with_capacity(file.take(length), CHUNK)))
            .map_err(io::Error::other)
    }
}

fn empty(answer: Builder) -> io::Result<Response> {
    answer.body(Body::empty()).map_err(io::Error::other)
}

fn nanoseconds(found: &std::fs::Metadata) -> i128 {
    i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec())
}

/// What the answer says that the file is.
fn content_type(file: &mut File, path: &Path) -> io::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    Ok(match (name, extension.to_ascii_lowercase().as_str()) {
        ("podcast.xml", _) => feed_type(file)?.to_owned(),
        ("torrents.xml", _) => "application/rss+xml; charset=utf-8".to_owned(),
        (_, "torrent") => "application/x-bittorrent".to_owned(),
        (_, "opml") => "text/x-opml; charset=utf-8".to_owned(),
        // Its container is Ogg (RFC 7845, 9); browsers do not know `audio/opus` as a file.
        (_, "opus") => "audio/ogg".to_owned(),
        (_, extension) => match media::type_of_extension(extension) {
            Some(media) => media.to_owned(),
            None => with_charset(mime_guess::from_ext(extension).first_or_octet_stream().essence_str()),
        },
    })
}

/// Text on the site is UTF-8; what may be something else, XML and JSON, says so itself.
fn with_charset(essence: &str) -> String {
    match essence.starts_with("text/") && essence != "text/xml" {
        true => format!("{essence}; charset=utf-8"),
        false => essence.to_owned(),
    }
}

/// The publisher's feed is RSS or Atom, in an encoding that only the document itself tells.
fn feed_type(file: &mut File) -> io::Result<&'static str> {
    let mut head = Vec::new();
    io::Read::by_ref(file).take(HEAD).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    // Whatever the encoding: of UTF-16 every other byte is nothing.
    head.retain(|byte| *byte != 0);
    let has = |tag: &[u8]| head.windows(tag.len()).any(|window| window == tag);
    Ok(if has(b"<feed") && !has(b"<rss") { "application/atom+xml" } else { "application/rss+xml" })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn type_of(name: &str, bytes: &[u8]) -> String {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        content_type(&mut file, Path::new(name)).unwrap()
    }

    #[test]
    fn each_kind_of_file_of_a_site_has_its_type() {
        let cases = [
            ("index.html", "text/html; charset=utf-8"),
            ("assets/style.css", "text/css; charset=utf-8"),
            ("assets/podseed.js", "text/javascript; charset=utf-8"),
            ("assets/icon.svg", "image/svg+xml"),
            ("show/cover.jpg", "image/jpeg"),
            ("catalog.json", "application/json"),
            ("torrents.txt", "text/plain; charset=utf-8"),
            ("feeds.opml", "text/x-opml; charset=utf-8"),
            ("sitemap.xml", "text/xml"),
            ("torrents.xml", "application/rss+xml; charset=utf-8"),
            ("show/torrents/a.mp3.torrent", "application/x-bittorrent"),
            ("show/media/a.MP3", "audio/mpeg"),
            ("show/media/a.opus", "audio/ogg"),
            ("show/media/a.m4a", "audio/mp4"),
            ("favicon.ico", "image/x-icon"),
            ("what", "application/octet-stream"),
        ];
        for (name, expected) in cases {
            assert_eq!(type_of(name, b""), expected, "{name}");
        }
        assert_eq!(
            type_of("podcast.xml", b"<?xml version=\"1.0\"?><rss version=\"2.0\">"),
            "application/rss+xml"
        );
        assert_eq!(type_of("podcast.xml", b"<feed xmlns=\"x\">"), "application/atom+xml");
    }
}
