//! What hostile text looks like when it has passed.

use super::*;

fn title(text: &str) -> String {
    Text::title(text).to_string()
}

#[test]
fn markup_stays_text_and_is_left_to_the_template() {
    assert_eq!(
        title("</title><script>alert(1)</script> & \"more\""),
        "</title><script>alert(1)</script> & \"more\""
    );
}

#[test]
fn white_space_and_controls_become_single_spaces() {
    assert_eq!(title(" \u{0}A\r\n\tB\u{7f}\u{85}C\u{2028}D \u{1b}[31m"), "A B C D [31m");
}

#[test]
fn what_cannot_be_seen_is_gone() {
    for hidden in [
        "\u{202e}gpj.exe",
        "\u{2066}gpj.exe\u{2069}",
        "\u{200f}gpj.exe",
        "\u{61c}gpj.exe",
        "g\u{200b}pj.exe",
        "\u{feff}gpj.exe",
        "gpj.exe\u{e0041}\u{e007f}",
        "gpj\u{fffe}.exe",
        "\u{3164}gpj.exe",
        "gpj.\u{1fffe}exe",
    ] {
        assert_eq!(title(hidden), "gpj.exe", "{hidden:?}");
    }
}

#[test]
fn what_languages_and_emoji_need_stays() {
    for text in ["می‌خواهم", "क्‍ष", "👩‍👩‍👧‍👦", "❤️", "Ứng dụng", "שלום, World", "Ü\u{308}"]
    {
        assert_eq!(title(text), text);
    }
}

#[test]
fn marks_are_not_piled_up() {
    let pile = format!("Z{}a", "\u{301}".repeat(500));
    assert_eq!(title(&pile), format!("Z{}a", "\u{301}".repeat(4)));
}

#[test]
fn long_texts_are_cut_and_say_so() {
    let cut = title(&"word ".repeat(10_000));
    assert!(cut.ends_with("word…") && cut.chars().count() <= 301, "{cut}");
    let cut = title(&"ä".repeat(10_000));
    assert_eq!(cut, format!("{}…", "ä".repeat(300)));
    assert_eq!(title(&"ä".repeat(300)), "ä".repeat(300));
}

#[test]
fn paragraphs_are_bounded_together() {
    let paragraphs = Text::paragraphs("One.\n\n \u{200b}\nTwo.\r\nThree.");
    assert_eq!(paragraphs.iter().map(Text::as_str).collect::<Vec<_>>(), ["One.", "Two.", "Three."]);
    let paragraphs = Text::paragraphs(&"A line of text.\n".repeat(100_000));
    let length: usize = paragraphs.iter().map(|paragraph| paragraph.as_str().chars().count()).sum();
    assert!((1900..=2001).contains(&length), "{length}");
}

#[test]
fn only_http_https_and_magnet_are_links() {
    for (text, expected) in [
        (" https://example.org/ä b?x=1#y ", "https://example.org/%C3%A4%20b?x=1#y"),
        ("HTTP://EXAMPLE.ORG", "http://example.org/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://example.org/\"onmouseover='x'", "https://example.org/%22onmouseover='x'"),
        ("magnet:?xt=urn:btih:00&dn=a", "magnet:?xt=urn:btih:00&dn=a"),
    ] {
        assert_eq!(Link::parse(text).unwrap().to_string(), expected);
    }
    for text in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "\u{1}javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://a/b",
        "//example.org/",
        "/index.html",
        "index.html",
        "",
        "https://",
        "https://me:pa55@example.org/",
        "https://bank.example@evil.example/",
        "ftp://example.org/",
        "magnet://evil.example",
    ] {
        assert_eq!(Link::parse(text), None, "{text:?}");
    }
    assert_eq!(Link::parse(&format!("https://example.org/{}", "a".repeat(10_000))), None);
}

#[test]
fn a_links_host_is_ascii() {
    assert_eq!(Link::parse("https://аpple.example/a.mp3").unwrap().host(), "xn--pple-43d.example");
    assert_eq!(Link::parse("magnet:?xt=urn:btih:00").unwrap().host(), "");
}

#[test]
fn language_tags_are_of_their_form_or_absent() {
    assert_eq!(language_tag("de-DE").as_deref(), Some("de-DE"));
    assert_eq!(language_tag(" pt_BR ").as_deref(), Some("pt-BR"));
    for text in ["", "German", "d", "de\"", "de-", "de-DE onload", "12", "de-abcdefghi"] {
        assert_eq!(language_tag(text), None, "{text:?}");
    }
}
