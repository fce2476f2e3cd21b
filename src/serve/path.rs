//! The path of a request -> a path in the site. Judges by the text alone; that no link leads out of the site is seen to
//! where the file is opened.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

/// Where a web server may keep what has nothing to do with its pages (RFC 8615); the one name with a dot.
const WELL_KNOWN: &str = ".well-known";

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SiteRequest {
    /// Relative, of plain names; empty for the site itself.
    pub(super) path: PathBuf,
    /// It ends in a slash: the folder is meant.
    pub(super) folder: bool,
}

/// What a path asks for; `None` for one that no file of a site can have: it leads up or elsewhere, is hidden, or is
/// ambiguous.
pub(super) fn site_request(path: &str) -> Option<SiteRequest> {
    let path = path.strip_prefix('/')?;
    if path.is_empty() {
        return Some(SiteRequest { path: PathBuf::new(), folder: true });
    }
    let (path, folder) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
    let mut wanted = PathBuf::new();
    for (index, segment) in path.split('/').enumerate() {
        let name = percent_decode_str(segment).decode_utf8().ok()?;
        let hidden = name.starts_with('.') && !(index == 0 && name == WELL_KNOWN);
        if name.is_empty() || hidden || name.contains(['/', '\0']) {
            return None;
        }
        wanted.push(&*name);
    }
    Some(SiteRequest { path: wanted, folder })
}

/// The path without what the reverse proxy has left in front; `base` begins and ends with a slash.
pub(super) fn without_base<'a>(path: &'a str, base: &str) -> &'a str {
    let bare = base.trim_end_matches('/');
    match path.strip_prefix(bare) {
        Some("") if !bare.is_empty() => path,
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_paths_in_the_site() {
        let cases = [
            ("/", "", true),
            ("/index.html", "index.html", false),
            ("/show/", "show", true),
            ("/show/media/a%20b.mp3", "show/media/a b.mp3", false),
            ("/show/media/%C3%BC.mp3", "show/media/ü.mp3", false),
            ("/show/media/100%25.mp3", "show/media/100%.mp3", false),
            ("/show/media/100%.mp3", "show/media/100%.mp3", false),
            ("/.well-known/security.txt", ".well-known/security.txt", false),
            ("/show/a..b", "show/a..b", false),
        ];
        for (path, expected, folder) in cases {
            let expected = SiteRequest { path: expected.into(), folder };
            assert_eq!(site_request(path), Some(expected), "{path}");
        }
    }

    #[test]
    fn hostile_paths_ask_for_nothing() {
        let paths = [
            "",
            "*",
            "index.html",
            "//",
            "//etc/passwd",
            "/../etc/passwd",
            "/..",
            "/.",
            "/./index.html",
            "/show/../../etc/passwd",
            "/%2e%2e/etc/passwd",
            "/%2E%2E%2Fetc/passwd",
            "/..%2f..%2fetc/passwd",
            "/show%2f..%2f..%2fetc%2fpasswd",
            "/%00",
            "/index.html%00.mp3",
            "/.podseed-site",
            "/show/.partial/a.mp3",
            "/show/.well-known/a",
            "/.git/config",
            "/%2egit/config",
            "/show//a.mp3",
            "/%ff%fe",
            "/show/%c0%ae%c0%ae/secret",
        ];
        for path in paths {
            assert_eq!(site_request(path), None, "{path}");
        }
        // Decoded once, and never twice: these are names of files that are not there.
        assert_eq!(site_request("/%252e%252e/x").unwrap().path, PathBuf::from("%2e%2e/x"));
        assert_eq!(site_request("/..\\..\\x"), None);
    }

    #[test]
    fn a_base_path_is_taken_off_where_the_proxy_has_left_it() {
        let cases = [
            ("/podcasts/show/", "/podcasts/", "/show/"),
            ("/podcasts/", "/podcasts/", "/"),
            ("/podcasts", "/podcasts/", "/podcasts"),
            ("/show/", "/podcasts/", "/show/"),
            ("/podcasts-and-more/", "/podcasts/", "/podcasts-and-more/"),
            ("/show/", "/", "/show/"),
            ("/", "/", "/"),
            ("/a/b/c", "/a/b/", "/c"),
        ];
        for (path, base, expected) in cases {
            assert_eq!(without_base(path, base), expected, "{path} below {base}");
        }
    }
}
