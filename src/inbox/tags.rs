//! What the tags of a file say: ID3, Vorbis comments, MP4 atoms and the like, read by the crate `lofty`.
//!
//! Tags are hostile: whatever is in them comes out as plain text of bounded length, and a file whose tags cannot be
//! read has none.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lofty::config::ParseOptions;
use lofty::file::{AudioFile as _, TaggedFile, TaggedFileExt as _};
use lofty::picture::PictureType;
use lofty::probe::Probe;
use lofty::tag::{Accessor as _, ItemKey, Tag};

use super::title::readable;
use crate::model::Tags;

/// The longest name of anything, in characters.
const NAME: usize = 300;
/// The longest description, in bytes.
const DESCRIPTION: usize = 4000;
/// A longer recording than a year is a broken header.
const LONGEST: u64 = 366 * 86_400;
/// The largest picture that is looked at, in bytes.
const LARGEST_PICTURE: usize = 10 << 20;

/// What a file says of itself. One that says nothing is called by its name.
pub(super) fn tags(path: &Path) -> Tags {
    let file = match read(path, false) {
        Ok(file) => file,
        Err(error) => {
            tracing::debug!(path = %path.display(), %error, "no tags");
            return Tags { title: readable(path), ..Tags::default() };
        }
    };
    let tags: Vec<&Tag> = file.primary_tag().into_iter().chain(file.tags()).collect();
    let first = |read: &dyn Fn(&Tag) -> Option<String>| tags.iter().find_map(|tag| read(tag));
    let name = |read: &dyn Fn(&Tag) -> Option<String>| first(&|tag| read(tag).and_then(|text| line(&text)));
    let duration = file.properties().duration().as_secs();
    Tags {
        title: name(&|tag| tag.title().map(Into::into)).unwrap_or_else(|| readable(path)),
        author: name(&|tag| tag.artist().map(Into::into)),
        album: name(&|tag| tag.album().map(Into::into)),
        description: first(&description),
        date: tags.iter().find_map(|tag| date(tag)),
        season: tags.iter().find_map(|tag| tag.disk()).filter(|number| *number > 0),
        number: tags.iter().find_map(|tag| tag.track()).filter(|number| *number > 0),
        duration: Some(duration).filter(|seconds| (1..LONGEST).contains(seconds)),
    }
}

/// The picture in a file: that of the cover, where it has several.
pub(super) fn picture(path: &Path) -> Option<Vec<u8>> {
    let file = read(path, true).ok()?;
    let pictures = || file.tags().iter().flat_map(Tag::pictures);
    let front = pictures().find(|picture| picture.pic_type() == PictureType::CoverFront);
    let picture = front.or_else(|| pictures().next())?;
    Some(picture.data().to_vec()).filter(|bytes| !bytes.is_empty() && bytes.len() <= LARGEST_PICTURE)
}

fn read(path: &Path, pictures: bool) -> Result<TaggedFile, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    // What the file begins with decides, not its name. What lofty allocates for one item is bounded (16 MB).
    let options = ParseOptions::new().read_cover_art(pictures);
    let probe = Probe::new(BufReader::new(file)).options(options);
    let probe = probe.guess_file_type().map_err(|error| error.to_string())?;
    probe.read().map_err(|error| error.to_string())
}

fn description(tag: &Tag) -> Option<String> {
    let keys = [ItemKey::PodcastDescription, ItemKey::Description, ItemKey::Comment];
    keys.iter().find_map(|key| tag.get_string(*key).and_then(paragraphs))
}

fn date(tag: &Tag) -> Option<Timestamp> {
    let date = tag.date()?;
    let day =
        Date::new(i16::try_from(date.year).ok()?, date.month?.try_into().ok()?, date.day?.try_into().ok()?);
    let part = |part: Option<u8>| i8::try_from(part.unwrap_or_default()).unwrap_or_default();
    let time =
        jiff::civil::Time::new(part(date.hour), part(date.minute), part(date.second), 0).unwrap_or_default();
    let at = day.ok()?.to_datetime(time).to_zoned(TimeZone::UTC).ok()?.timestamp();
    // No feed reader takes an episode from before there was sound.
    (at.as_second() > 0).then_some(at)
}

/// One line of bounded length; nothing where nothing is left.
fn line(text: &str) -> Option<String> {
    // Not all of a text of megabytes is looked at for a name.
    let clean: String = text.chars().take(NAME * 4).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line: String = clean.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(NAME).collect();
    Some(line).filter(|line| !line.is_empty())
}

/// Lines of bounded length together.
fn paragraphs(text: &str) -> Option<String> {
    let end = text.floor_char_boundary(DESCRIPTION);
    let lines = text[..end].lines().filter_map(line_of_text).collect::<Vec<_>>().join("\n");
    Some(lines).filter(|text| !text.is_empty())
}

fn line_of_text(text: &str) -> Option<String> {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(line).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_lines_of_bounded_length() {
        assert_eq!(line(" a\u{0}b\r\n\tc "), Some("a b c".to_owned()));
        assert_eq!(line("\u{7}\u{0}"), None);
        assert_eq!(line(&"x".repeat(10_000_000)).unwrap().len(), NAME);
        assert!(paragraphs(&"ä\n".repeat(5_000_000)).unwrap().len() <= DESCRIPTION);
        assert_eq!(paragraphs("one\u{1b}[31m\n\n two "), Some("one [31m\ntwo".to_owned()));
    }
}
