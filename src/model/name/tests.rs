//! The recipe's table, and what holds for any input.

use proptest::prelude::*;
use unicode_normalization::is_nfc;

use super::*;

fn inputs(url: &str) -> NameInputs<'_> {
    NameInputs {
        url,
        date: Some("2026-02-03T23:30:00Z".parse().unwrap()),
        title: "A title",
        guid: Some("n0"),
        media_type: Some("audio/mpeg"),
        sniffed_extension: None,
        repeated: false,
    }
}

#[test]
fn an_urls_own_name_is_taken_when_it_says_something() {
    for (url, name) in [
        ("https://cdn.radio.test/cr158.mp3", "cr158.mp3"),
        ("https://cdn.radio.test/a/CR-158_final.MP3?x=/y.mp3#z", "CR-158_final.MP3"),
        ("https://cdn.radio.test/a%2Fb.mp3", "a_b.mp3"),
        ("https://cdn.radio.test/a%252Fb.mp3", "a%2Fb.mp3"),
        ("https://cdn.radio.test/%F0%9F%8E%99.mp3", "🎙.mp3"),
        ("https://cdn.radio.test/e%CC%81.mp3", "é.mp3"),
        ("https://cdn.radio.test/a%20b%20.mp3", "a b .mp3"),
        ("https://cdn.radio.test/con.mp3", "_con.mp3"),
        ("https://cdn.radio.test/LPT1.x.mp3", "_LPT1.x.mp3"),
        ("https://cdn.radio.test/concert.mp3", "concert.mp3"),
        ("https://cdn.radio.test/..hidden.mp3", "hidden.mp3"),
        ("https://cdn.radio.test/%20%20led.mp3", "led.mp3"),
        ("https://cdn.radio.test/%20.%20led.mp3", "led.mp3"),
        ("https://cdn.radio.test/dots.mp3...", "dots.mp3"),
        ("https://cdn.radio.test/-rf.mp3", "-rf.mp3"),
        ("https://cdn.radio.test/a:b*c%3Fd%22e%3Cf%3E%7C%5C%00.ogg", "a_b_c_d_e_f____.ogg"),
        ("https://a.test/redirect/https://b.test/ep7.mp3", "ep7.mp3"),
        ("episodes/ep1.mp3", "ep1.mp3"),
    ] {
        assert_eq!(file_name(&inputs(url)), name, "{url}");
    }
}

#[test]
fn a_name_that_says_nothing_is_replaced_by_date_title_and_id() {
    for url in [
        "https://omny.test/clips/1/audio.mp3?utm_source=Podcast",
        "https://cdn.radio.test/d3/MEDIA.mp3",
        "https://cdn.radio.test/redirect.mp3?http://www.tavern.test/ep1.mp3",
        "https://cdn.radio.test/default.mp3",
        "https://cdn.radio.test/episode.mp3",
        "https://cdn.radio.test/stream.mp3",
        "https://cdn.radio.test/download.mp3",
        "https://cdn.radio.test/enclosure.mp3",
        "https://cdn.radio.test/audio",
        "https://cdn.radio.test/play?id=5",
        "https://cdn.radio.test/dir/",
        "https://cdn.radio.test",
        "https://cdn.radio.test/..%2F..%2Fetc%2Fpasswd",
        "https://cdn.radio.test/%E2%80%AEgnp.exe",
        "https://cdn.radio.test/.hidden",
        "https://cdn.radio.test/-rf",
        "https://cdn.radio.test/.mp3",
        "https://cdn.radio.test/%FF%FE.mp3",
    ] {
        assert_eq!(file_name(&inputs(url)), "2026-02-03 A title 820d5d8b.mp3", "{url}");
    }
}

#[test]
fn titles_follow_the_same_rules() {
    let long = "x".repeat(400);
    let turned = "\u{202e}gnp.exe";
    for (title, expected) in [
        ("../../etc/passwd", "2026-02-03 _.._etc_passwd 820d5d8b.mp3"),
        ("CON", "2026-02-03 _CON 820d5d8b.mp3"),
        ("a/b\\c:d*e?f\"g<h>i|j", "2026-02-03 a_b_c_d_e_f_g_h_i_j 820d5d8b.mp3"),
        ("Ep 🎙️ 東京 ע", "2026-02-03 Ep 🎙️ 東京 ע 820d5d8b.mp3"),
        ("trailing dots...", "2026-02-03 trailing dots 820d5d8b.mp3"),
        (turned, "2026-02-03 _gnp.exe 820d5d8b.mp3"),
        (".hidden", "2026-02-03 hidden 820d5d8b.mp3"),
        ("  ", "2026-02-03 820d5d8b.mp3"),
        ("e\u{301} nfd", "2026-02-03 é nfd 820d5d8b.mp3"),
        (&long, &format!("2026-02-03 {} 820d5d8b.mp3", "x".repeat(100))),
    ] {
        assert_eq!(dated_name(&NameInputs { title, ..inputs("https://a.test/audio.mp3") }), expected);
    }
}

#[test]
fn what_is_missing_is_left_out_and_the_url_stands_in_for_the_guid() {
    let bare = NameInputs { date: None, title: "", guid: None, ..inputs("https://a.test/audio.mp3") };
    let id = short_id("https://a.test/audio.mp3");
    assert_eq!(dated_name(&bare), format!("{id}.mp3"));
}

#[test]
fn bytes_decide_the_extension_before_type_and_url() {
    let all = NameInputs { sniffed_extension: Some("m4a"), ..inputs("https://a.test/audio.ogg") };
    let end = |inputs: &NameInputs<'_>| dated_name(inputs).split_once('.').map(|(_, end)| end.to_owned());
    assert_eq!(end(&all).as_deref(), Some("m4a"));
    let declared = NameInputs { sniffed_extension: None, ..all };
    assert_eq!(end(&declared).as_deref(), Some("mp3"));
    let silent = NameInputs { media_type: Some("application/octet-stream"), ..declared };
    assert_eq!(end(&silent).as_deref(), Some("ogg"));
}

#[test]
fn the_id_is_the_beginning_of_sha256() {
    // printf %s abc | sha256sum
    assert_eq!(short_id("abc"), "ba7816bf");
}

#[test]
fn long_names_are_cut_before_the_extension_at_a_characters_end() {
    let url = format!("https://a.test/{}.mp3", "y".repeat(300));
    assert_eq!(file_name(&inputs(&url)), format!("{}.mp3", "y".repeat(176)));
    let url = format!("https://a.test/{}.mp3", "東".repeat(100));
    assert_eq!(file_name(&inputs(&url)), format!("{}.mp3", "東".repeat(58)));
}

#[test]
fn names_that_different_urls_share_are_found_in_any_case() {
    let urls = [
        "https://a.test/1/show.mp3",
        "https://a.test/2/SHOW.mp3",
        "https://a.test/one.mp3",
        "https://a.test/one.mp3",
        "https://a.test/e%CC%81.mp3",
        "https://b.test/%C3%89.mp3",
    ];
    let repeated = repeated_names(urls);
    let found: Vec<_> = urls.iter().map(|url| repeated.contains_url(url)).collect();
    assert_eq!(found, [true, true, false, false, true, true]);
}

#[test]
fn a_repeated_name_is_replaced_like_a_generic_one() {
    let repeated = NameInputs { repeated: true, ..inputs("https://a.test/show.mp3") };
    assert_eq!(file_name(&repeated), "2026-02-03 A title 820d5d8b.mp3");
}

#[test]
fn a_file_of_a_later_version_is_told_apart_by_its_content() {
    let inputs = inputs("https://a.test/show.mp3");
    let named = |first| dated_name_of_content(&inputs, &[first; 32]);
    assert_eq!(named(0xab), "2026-02-03 A title abababab.mp3");
    assert_ne!(named(0xab), named(0xac));
}

#[test]
fn only_names_that_are_one_file_on_every_system_are_taken_from_others() {
    for name in ["cr158.mp3", "Ü 1.mp3", "no extension", &"a".repeat(230)] {
        assert!(is_safe(name), "{name:?}");
    }
    for name in [
        "",
        ".partial",
        "..",
        "a/b",
        "a\\b",
        "nul.mp3",
        "a\u{202e}3pm.exe",
        "a\n",
        "a.",
        "a ",
        " a",
        &"a".repeat(231),
    ] {
        assert!(!is_safe(name), "{name:?}");
    }
}

/// Checks what every name must hold.
fn assert_safe(name: &str) {
    assert!(!name.is_empty() && name.len() <= MAX_NAME, "{name:?} has {} bytes", name.len());
    assert!(is_nfc(name), "{name:?}");
    assert!(!name.contains(is_forbidden), "{name:?}");
    assert!(!name.starts_with(['.', ' ']) && !name.ends_with(['.', ' ']), "{name:?}");
    assert!(!is_device_name(name), "{name:?}");
    let path = std::path::Path::new(name);
    assert_eq!(path.components().count(), 1, "{name:?}");
    assert!(matches!(path.components().next(), Some(std::path::Component::Normal(_))), "{name:?}");
}

/// Texts with what file names choke on.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<String>(),
        "\\PC{0,80}",
        proptest::sample::select(vec![
            "..", "/", "\\", "%2F", "%00", "%FF", ".", " ", "con", "COM1.", "nul", "e\u{301}", "\u{338}",
            "<\u{338}", "\u{202e}", "?", "#", "://", ".mp3", ".MP3", "audio",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn every_name_is_safe(url in hostile(), title in hostile(), guid in proptest::option::of(hostile()), repeated: bool) {
        let inputs = NameInputs { title: &title, guid: guid.as_deref(), repeated, ..inputs(&url) };
        assert_safe(&file_name(&inputs));
        assert_safe(&file_name(&NameInputs { date: None, ..inputs }));
    }

    #[test]
    fn making_a_name_safe_twice_changes_nothing(text in hostile(), limit in 20usize..200) {
        let once = safe_name(&text, limit);
        prop_assert!(once.len() <= limit);
        prop_assert_eq!(safe_name(&once, limit), once);
    }

    #[test]
    fn the_medias_extension_survives(stem in "[a-z0-9 東é]{1,150}", extension in proptest::sample::select(vec!["mp3", "M4A", "ogg", "opus"])) {
        let url = format!("https://a.test/x{stem}.{extension}");
        let name = file_name(&inputs(&url));
        prop_assert!(name.ends_with(&format!(".{extension}")), "{}", name);
    }
}
