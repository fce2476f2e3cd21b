//! What a request gets: the right answer (RFC 9110), bent by the fault that the script holds for it.

use std::collections::HashMap;
use std::time::Duration;

use super::{Fault, Logged, Served};

/// What happens to the connection after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    KeepAlive,
    Close,
    Hang,
}

/// An answer, ready to be written.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) chunked: bool,
    pub(super) drip: Option<Duration>,
    pub(super) ending: Ending,
}

impl Answer {
    pub(super) fn to(request: &Logged, fault: Fault, files: &HashMap<String, Served>) -> Self {
        match fault {
            Fault::Status(status, headers) => Self::new(status, headers, b"no\n".to_vec()),
            Fault::Redirect(status, to) => Self::new(status, vec![("Location", to)], Vec::new()),
            Fault::Html(page) => Self::new(200, vec![("Content-Type", "text/html".to_owned())], page.into()),
            Fault::Hang => {
                Self { head: Vec::new(), ..Self::new(0, Vec::new(), Vec::new()) }.ending(Ending::Hang)
            }
            Fault::Garbage => {
                Self { head: b"220 ftp ready\r\n".to_vec(), ..Self::new(0, Vec::new(), Vec::new()) }
                    .ending(Ending::Close)
            }
            Fault::OtherFile(path) => Self::of_file(request, &files[path], &fault),
            fault => match files.get(&request.path) {
                Some(file) => Self::of_file(request, file, &fault).bent_by(&fault),
                None => Self::new(404, Vec::new(), b"no such file\n".to_vec()),
            },
        }
    }

    fn new(status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Self {
        let mut answer =
            Self { status, head: Vec::new(), body, chunked: false, drip: None, ending: Ending::KeepAlive };
        let length = (status != 304).then(|| ("Content-Length", answer.body.len().to_string()));
        answer.write_head(headers.into_iter().chain(length));
        answer
    }

    fn write_head(&mut self, headers: impl Iterator<Item = (&'static str, String)>) {
        self.head = format!("HTTP/1.1 {} Scripted\r\n", self.status).into_bytes();
        for (name, value) in headers {
            self.head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        self.head.extend_from_slice(b"\r\n");
    }

    fn of_file(request: &Logged, file: &Served, fault: &Fault) -> Self {
        let mut headers = vec![("Content-Type", file.content_type.to_owned())];
        headers.extend(file.etag.clone().map(|etag| ("ETag", etag)));
        headers.extend(file.last_modified.clone().map(|date| ("Last-Modified", date)));
        if is_unchanged(request, file) {
            return Self::new(304, headers, Vec::new());
        }
        if let Fault::Header(name, value) = fault {
            headers.push((name, (*value).to_owned()));
        }
        let total = file.bytes.len();
        let (status, body) = match wanted_range(request, file, fault) {
            None => (200, &file.bytes[..]),
            Some((from, to)) if from >= total || from >= to => {
                headers.push(("Content-Range", format!("bytes */{total}")));
                (416, &[][..])
            }
            Some((from, to)) => {
                headers.push(("Content-Range", format!("bytes {from}-{}/{total}", to - 1)));
                (206, &file.bytes[from..to])
            }
        };
        let length = match fault {
            Fault::ContentLength(length) => Some(*length),
            Fault::Chunked | Fault::ChunkedCutAfter(_) | Fault::NoLength => None,
            _ => Some(body.len() as u64),
        };
        headers.extend(length.map(|length| ("Content-Length", length.to_string())));
        let mut answer = Self { body: body.to_vec(), ..Self::new(status, Vec::new(), Vec::new()) };
        answer.chunked = matches!(fault, Fault::Chunked | Fault::ChunkedCutAfter(_));
        headers.extend(answer.chunked.then(|| ("Transfer-Encoding", "chunked".to_owned())));
        answer.write_head(headers.into_iter());
        answer
    }

    fn bent_by(mut self, fault: &Fault) -> Self {
        match fault {
            Fault::CutAfter(bytes) | Fault::ChunkedCutAfter(bytes) => {
                self.body.truncate(*bytes);
                self.ending(Ending::Close)
            }
            Fault::HangAfter(bytes) => {
                self.body.truncate(*bytes);
                self.ending(Ending::Hang)
            }
            Fault::ContentLength(_) | Fault::NoLength => self.ending(Ending::Close),
            Fault::Drip(pause) => Self { drip: Some(*pause), ..self },
            _ => self,
        }
    }

    fn ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }
}

fn is_unchanged(request: &Logged, file: &Served) -> bool {
    match (request.header("if-none-match"), request.header("if-modified-since")) {
        (Some(tags), _) => file.etag.as_deref().is_some_and(|etag| tags.contains(etag)),
        (None, Some(date)) => file.last_modified.as_deref() == Some(date),
        (None, None) => false,
    }
}

/// The range to send, its end excluded; `None` for the whole file.
fn wanted_range(request: &Logged, file: &Served, fault: &Fault) -> Option<(usize, usize)> {
    let total = file.bytes.len();
    let (from, to) = request.range()?.strip_prefix("bytes=")?.split_once('-')?;
    if matches!(fault, Fault::IgnoreRange) {
        return None;
    }
    let condition = request.header("if-range").filter(|_| !matches!(fault, Fault::IgnoreIfRange));
    let strong_etag = file.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
    if condition.is_some() && condition != strong_etag && condition != file.last_modified.as_deref() {
        return None;
    }
    let shift = if let Fault::ShiftRange(bytes) = fault { *bytes } else { 0 };
    match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) => Some((from + shift, (to + 1).min(total))),
        (Ok(from), Err(_)) => Some((from + shift, total)),
        (Err(_), Ok(suffix)) => Some((total.saturating_sub(suffix), total)),
        (Err(_), Err(_)) => None,
    }
}
