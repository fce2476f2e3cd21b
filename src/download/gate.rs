//! The gate that only media passes, judged by the first bytes.

use super::{Error, Media, Order};
use crate::model::media::{MediaKind, SNIFF_LENGTH, Sniffed, sniff};

/// How much of a page's title is repeated.
const TITLE_LENGTH: usize = 80;

/// Collects the first bytes until they are enough for a verdict.
pub(super) struct Gate {
    head: Vec<u8>,
    media: Option<Media>,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self { head: Vec::new(), media: None }
    }

    /// Whether the file has passed.
    pub(super) fn is_open(&self) -> bool {
        self.media.is_some()
    }

    /// Looks at the next bytes of the file; costs nothing once it is decided.
    pub(super) fn look(&mut self, bytes: &[u8], order: &Order) -> Result<(), Error> {
        if self.media.is_some() {
            return Ok(());
        }
        let missing = SNIFF_LENGTH - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(missing)]);
        if self.head.len() == SNIFF_LENGTH {
            self.decide(order)?;
        }
        Ok(())
    }

    /// The verdict, also on a file that is shorter than would be best.
    pub(super) fn decide(&mut self, order: &Order) -> Result<Media, Error> {
        if let Some(media) = self.media {
            return Ok(media);
        }
        let subject = order.source.clone();
        let media = match sniff(&self.head) {
            Sniffed::Media { kind, mime, extension } => Media { kind, mime, extension },
            Sniffed::NotMedia { what } => {
                let what = match title(&self.head) {
                    Some(title) => format!("{what} titled \"{title}\""),
                    None => what.to_owned(),
                };
                return Err(Error::NotMedia { subject, what });
            }
        };
        if !wanted(&order.kinds, media.kind) {
            return Err(Error::UnwantedKind { subject, kind: media.kind });
        }
        self.head = Vec::new();
        self.media = Some(media);
        Ok(media)
    }
}

fn wanted(kinds: &[MediaKind], kind: MediaKind) -> bool {
    if kinds.is_empty() { matches!(kind, MediaKind::Audio | MediaKind::Video) } else { kinds.contains(&kind) }
}

/// The title of a page, which usually says what is wrong ("Account suspended").
fn title(page: &[u8]) -> Option<String> {
    let page = String::from_utf8_lossy(page);
    // ASCII only, so that positions in both texts are the same.
    let lower = page.to_ascii_lowercase();
    let element = lower.find("<title")?;
    let begin = element + lower[element..].find('>')? + 1;
    let end = begin + lower[begin..].find("</title")?;
    let readable = page[begin..end].replace(char::is_control, " ");
    let words: Vec<_> = readable.split_whitespace().collect();
    let title: String = words.join(" ").chars().take(TITLE_LENGTH).collect();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_by_its_title() {
        let cases = [
            ("<html><TITLE lang=en>\n Account\t suspended </TITLE>", Some("Account suspended")),
            ("<title>\u{1b}[31mRed</title>", Some("[31mRed")),
            ("<title></title>", None),
            ("<title>never ends", None),
            ("no page", None),
        ];
        for (page, expected) in cases {
            assert_eq!(title(page.as_bytes()).as_deref(), expected, "{page:?}");
        }
        assert_eq!(title(format!("<title>{}</title>", "ä".repeat(500)).as_bytes()).unwrap(), "ä".repeat(80));
        assert_eq!(title(b"<title>\xFF\xFE</title>").unwrap(), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn sound_and_pictures_are_wanted_unless_said_otherwise() {
        use MediaKind::{Audio, Document, Video};
        assert!(wanted(&[], Audio) && wanted(&[], Video) && !wanted(&[], Document));
        assert!(wanted(&[Document], Document) && !wanted(&[Document], Audio));
    }
}
