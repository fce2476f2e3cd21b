//! Web seeds (BEP 19) as clients read them. Nothing here asks for anything.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::{Position, Url};

/// What URLs may have in path and query as browsers write them, and libtorrent (seen in 2.0.8) does not expect there.
const UNEXPECTED: &AsciiSet = &CONTROLS
    .add(b'"')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The same address, written so that every client asks for it as it stands. libtorrent (qBittorrent, Deluge) encodes
/// an address a second time if it has a character that libtorrent does not expect: beside an apostrophe, `%20`
/// becomes `%2520`.
pub fn web_seed_address(url: &Url) -> String {
    let (host, rest) = (&url[..Position::BeforePath], &url[Position::BeforePath..Position::AfterQuery]);
    format!("{host}{}", utf8_percent_encode(rest, UNEXPECTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_nothing_that_a_client_encodes_again() {
        for (url, expected) in [
            ("https://a.example/It's%20on.mp3", "https://a.example/It%27s%20on.mp3"),
            (
                "http://[::1]:8080/a[1]|b^.mp3?c[]={d}",
                "http://[::1]:8080/a%5B1%5D%7Cb%5E.mp3?c%5B%5D=%7Bd%7D",
            ),
            ("https://a.example/a%20b;(c)!.mp3?d=e&f=g,h", "https://a.example/a%20b;(c)!.mp3?d=e&f=g,h"),
            ("https://ä.example/ö.mp3#part", "https://xn--4ca.example/%C3%B6.mp3"),
        ] {
            assert_eq!(web_seed_address(&url.parse().unwrap()), expected);
        }
    }
}
