//! Whole documents, small and on purpose: each rule of what is added, changed, mended and left out.

use proptest::prelude::*;

use super::*;
use crate::feed::{Feed, read};
use crate::model::Role;

const URL: &str = "https://p.test/1.mp3";
const ADDED: &str = "<podcast:alternateEnclosure type=\"audio/mpeg\" length=\"5\" default=\"true\">\
     <podcast:source uri=\"https://m.test/1.torrent\" contentType=\"application/x-bittorrent\"/>\
     <podcast:source uri=\"magnet:?xt=urn:btih:aa&amp;dn=1\"/></podcast:alternateEnclosure>";
const PODCAST: &str = " xmlns:podcast=\"https://podcastindex.org/namespace/1.0\"";

fn alternate(name: &str) -> Alternate {
    Alternate {
        media_type: "audio/mpeg".to_owned(),
        length: 5,
        torrent: format!("https://m.test/{name}.torrent"),
        magnet: "magnet:?xt=urn:btih:aa&dn=1".to_owned(),
        sha256: None,
        default: true,
    }
}

fn additions() -> Additions {
    Additions {
        address: "https://m.test/podcast.xml".to_owned(),
        alternates: HashMap::from([(URL.to_owned(), vec![alternate("1")])]),
        ..Additions::default()
    }
}

fn annotated_bytes(document: &[u8]) -> Vec<u8> {
    annotate(document, None, None, &additions()).unwrap()
}

fn annotated(document: &str) -> String {
    String::from_utf8(annotated_bytes(document.as_bytes())).unwrap()
}

/// `{}` is where an element is added, `[]` where a prefix is declared.
fn case(template: &str) {
    let (before, after) = (template.replace("{}", "").replace("[]", ""), template.replace("{}", ADDED));
    assert_eq!(annotated(&before), after.replace("[]", PODCAST));
}

fn seen(document: &[u8]) -> Feed {
    read(document, None, None).unwrap()
}

#[test]
fn an_item_that_was_taken_down_is_left_out_with_all_that_is_in_it() {
    let item = |name: &str| {
        format!("<item><title>{name}</title><enclosure url=\"https://a.example/{name}.mp3\"/></item>")
    };
    let feed = |items: &str| format!("<rss version=\"2.0\"><channel><title>T</title>{items}</channel></rss>");
    let without = HashSet::from(["https://a.example/two.mp3".to_owned()]);
    let additions = Additions { without, ..Additions::default() };
    let all = feed(&[item("one"), item("two"), item("three")].concat());
    let annotated = annotate(all.as_bytes(), None, None, &additions).unwrap();
    assert_eq!(String::from_utf8(annotated).unwrap(), feed(&[item("one"), item("three")].concat()));
}

#[test]
fn the_element_stands_behind_its_enclosure_in_every_kind_of_feed() {
    case(
        "<?xml version='1.0'?>\r\n<!-- <item> -->\n<rss version=\"2.0\"[]><channel><title>&amp;é</title><item>\n\
         <enclosure url='https://p.test/1.mp3'\tlength = \"5\" />{}<![CDATA[<x>]]></item><?x y?></channel></rss>\n<!-- z -->\n",
    );
    case(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"[]><entry>\
         <link rel=\"enclosure\" href=\"https://p.test/1.mp3\"></link>{}<content type='xhtml'><div/></content></entry></feed>",
    );
    case(
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' \
         xmlns:enc='http://purl.oclc.org/net/rss_2.0/enc#'[]><channel/><item rdf:about='x'>\
         <enc:enclosure rdf:resource='https://p.test/1.mp3'/>{}</item></rdf:RDF>",
    );
}

#[test]
fn each_item_that_announces_the_file_gets_it_once() {
    let item = "<item><enclosure url='https://p.test/1.mp3'/>{}<enclosure url='https://p.test/1.mp3'/>\
         <enclosure url='https://p.test/2.mp3'/></item>";
    case(&format!("<rss[]><channel>{item}{item}</channel></rss>"));
}

#[test]
fn only_the_first_enclosure_can_be_the_default() {
    let after = annotated(
        "<rss><channel><item><enclosure url='https://p.test/0.mp3'/><enclosure url='https://p.test/1.mp3'/></item></channel></rss>",
    );
    assert!(after.contains("alternateEnclosure") && !after.contains("default"));
}

#[test]
fn what_is_announced_otherwise_is_added_at_the_items_end() {
    let not_default = ADDED.replace(" default=\"true\"", "");
    for announced in [
        "<media:group><media:content url='https://p.test/1.mp3'/></media:group>",
        "<atom:link rel='enclosure' href='https://p.test/1.mp3'/>",
    ] {
        let before = format!(
            "<rss xmlns:media='http://search.yahoo.com/mrss/' xmlns:atom='http://www.w3.org/2005/Atom'\
             {PODCAST}><channel><item>{announced}<title>T</title></item></channel></rss>"
        );
        assert_eq!(annotated(&before), before.replace("</item>", &format!("{not_default}</item>")));
    }
}

#[test]
fn the_prefix_is_the_publishers_or_one_that_is_free() {
    let enclosure = "<item><enclosure url='https://p.test/1.mp3'/>";
    for uri in [
        "https://podcastindex.org/namespace/1.0",
        "https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md",
    ] {
        case(&format!("<rss xmlns:podcast='{uri}'><channel>{enclosure}{{}}</item></channel></rss>"));
    }
    let other = annotated(&format!("<rss xmlns:podcast='urn:x'><channel>{enclosure}</item></channel></rss>"));
    assert!(
        other.contains(
            "<podcast2:alternateEnclosure xmlns:podcast2=\"https://podcastindex.org/namespace/1.0\""
        )
    );
    assert!(!other.contains("<podcast:"));
    assert_eq!(seen(other.as_bytes()).items[0].enclosures.len(), 3);
    // Declared inside one item only.
    let inner =
        format!("<rss[]><channel><item xmlns:podcast='urn:x'/>{enclosure}{{}}</item></channel></rss>");
    case(&inner);
}

#[test]
fn what_is_there_already_is_not_added_again() {
    let once =
        annotated("<rss><channel><item><enclosure url='https://p.test/1.mp3'/></item></channel></rss>");
    assert_eq!(annotated(&once), once);
    // Another mirror's copy, and the publisher's own torrent by the same recipe.
    let other = once.replace("m.test", "other.test").replace("&amp;dn=1", "&amp;tr=udp://t.test");
    assert_eq!(annotated(&other), other);
    // The publisher's other formats stay, and ours comes beside them.
    case(
        "<rss xmlns:podcast='https://podcastindex.org/namespace/1.0'><channel><item><enclosure url='https://p.test/1.mp3'/>{}\
         <podcast:alternateEnclosure type='audio/opus'><podcast:source uri='https://p.test/1.opus'/></podcast:alternateEnclosure>\
         </item></channel></rss>",
    );
}

#[test]
fn self_links_lead_to_the_copy_and_none_is_invented() {
    let before = "<rss xmlns:atom='http://www.w3.org/2005/Atom' xmlns:a10='http://www.w3.org/2005/Atom'><channel>\
         <atom:link href='https://p.test/feed?a&amp;b' rel='self' type='application/rss+xml'/>\
         <a10:link rel=\"SELF\" href=\"https://feeds.test/x\"></a10:link><atom:link rel='alternate' href='https://p.test/'/>\
         <item><atom:link rel='self' href='https://p.test/item'/></item></channel></rss>";
    let copy = "https://m.test/podcast.xml";
    let after = before.replace("https://p.test/feed?a&amp;b", copy).replace("https://feeds.test/x", copy);
    assert_eq!(annotated(before), after);
    case("<feed xmlns='http://www.w3.org/2005/Atom'><title/></feed>");
    let atom = annotated("<feed xmlns='http://www.w3.org/2005/Atom'><link rel='self' href='/x'/></feed>");
    assert!(atom.contains("<link rel='self' href='https://m.test/podcast.xml'/>"));
}

#[test]
fn what_holds_at_the_publishers_address_only_is_left_out() {
    let before = "<rss><channel> <itunes:new-feed-url>https://p.test/new</itunes:new-feed-url>\n\
         <atom:link rel='hub' href='https://hub.test/'/>\t<atom:link rel='hub' href='x'><b/>y</atom:link>\
         <cloud domain='rpc.test' port='80'/><podcast:podping usesPodping='true'/>\
         <podcast:guid>g</podcast:guid><atom:link rel='next' href='https://p.test/2'/></channel></rss>";
    let after = annotated(before);
    assert!(after.ends_with(
        "<channel> \n\t<podcast:guid>g</podcast:guid><atom:link rel='next' href='https://p.test/2'/></channel></rss>"
    ));
    assert_eq!(seen(after.as_bytes()).new_feed_url, None);
    // An item that somebody has put there is no less an item.
    let odd = "<rss><channel><atom:link rel='hub'><item><title>T</title></item></atom:link></channel></rss>";
    assert_eq!(seen(annotated(odd).as_bytes()).items, seen(odd.as_bytes()).items);
}

#[test]
fn relative_addresses_go_on_leading_to_the_publisher() {
    let base = Url::parse("https://p.test/feeds/show.xml?token=secret").unwrap();
    let before = "<rss><channel><item><link>one</link><enclosure url='../1.mp3'/></item></channel></rss>";
    let after = annotate(before.as_bytes(), None, Some(&base), &additions()).unwrap();
    let after = String::from_utf8(after).unwrap();
    assert!(after.starts_with("<rss") && after.contains(" xml:base=\"https://p.test/feeds/show.xml\">"));
    assert!(after.contains("<enclosure url='https://p.test/1.mp3'/><podcast:alternateEnclosure "));
    assert!(!after.contains("secret"));
    let copy = Url::parse("https://m.test/podcast.xml").unwrap();
    let item = &read(after.as_bytes(), None, Some(&copy)).unwrap().items[0];
    assert_eq!(item.link.as_deref(), Some("https://p.test/feeds/one"));
    let with_base = "<rss xml:base='/a/'><channel/></rss>";
    let after = annotate(with_base.as_bytes(), None, Some(&base), &additions()).unwrap();
    assert_eq!(after, b"<rss xml:base='https://p.test/a/'><channel/></rss>");
}

#[test]
fn no_local_path_and_no_credentials_are_written_down() {
    for base in ["file:///srv/own/feed.xml", "https://me:secret@p.test/feed"] {
        let base = Url::parse(base).unwrap();
        let before = "<rss><channel><item><enclosure url='1.mp3'/></item></channel></rss>";
        let after = annotate(before.as_bytes(), None, Some(&base), &additions()).unwrap();
        assert_eq!(after, before.as_bytes(), "{base}");
    }
}

#[test]
fn the_documents_encoding_is_kept() {
    let document = |encoding: &str| {
        format!(
            "<?xml version='1.0' encoding='{encoding}'?><rss{PODCAST}><channel><item><title>Ü</title>\
             <enclosure url='https://p.test/1.mp3'/></item></channel></rss>"
        )
    };
    let expected = |encoding: &str| document(encoding).replace("</item>", &format!("{ADDED}</item>"));
    for encoding in ["iso-8859-1", "windows-1252", "ISO-8859-15"] {
        let bytes = |text: String| encoding_rs::WINDOWS_1252.encode(&text).0.into_owned();
        assert_eq!(annotated_bytes(&bytes(document(encoding))), bytes(expected(encoding)), "{encoding}");
    }
    for unit in [u16::to_le_bytes, u16::to_be_bytes] {
        let bytes =
            |text: String| -> Vec<u8> { format!("\u{feff}{text}").encode_utf16().flat_map(unit).collect() };
        assert_eq!(annotated_bytes(&bytes(document("UTF-16"))), bytes(expected("UTF-16")));
    }
    let marked = format!("\u{feff}{}", document("utf-8"));
    assert_eq!(annotated(&marked), format!("\u{feff}{}", expected("utf-8")));
}

#[test]
fn what_is_not_what_it_declares_becomes_utf_8_and_says_so() {
    let document = |encoding: &str| {
        format!("<?xml version='1.0' encoding='{encoding}'?><rss><channel><title>").into_bytes()
    };
    let close = b"</title></channel></rss>";
    for (encoding, title, header) in [
        ("utf-8", &b"caf\xe9"[..], None),
        ("windows-1252", b"caf\xe9 \x81", None),
        ("us-ascii", "café".as_bytes(), None),
        ("bogus", b"cafe", None),
        ("utf-16", "café".as_bytes(), None),
        ("koi8-r", b"caf\xe9", Some("text/xml; charset=iso-8859-1")),
    ] {
        let before = [&document(encoding)[..], title, close].concat();
        let after = annotate(&before, header, None, &additions()).unwrap();
        let text = std::str::from_utf8(&after).unwrap();
        assert!(text.starts_with("<?xml version='1.0' encoding='UTF-8'?>"), "{encoding}: {text}");
        assert_eq!(seen(&after).title, read(&before, header, None).unwrap().title);
    }
}

#[test]
fn damage_is_mended_as_it_was_understood() {
    for (before, after) in [
        ("<title>R&B &nbsp;\u{1}</title>", "<title>R&amp;B &#160;</title>"),
        ("<title>2 < 3 ]]></title>", "<title>2 &lt; 3 ]]&gt;</title>"),
        ("<p>a<br>b</p>", "<p>a<br>b</br></p>"),
        ("</i><b></B></b >", "<b></b >"),
        ("<!-- a -- b --><!-- c --><?xml version='1.0'?>", "<!-- c -->"),
        ("<![CDATA[\u{2}x]]>", "<![CDATA[x]]>"),
        ("<a b=1 b=2/>", "<a b=\"1\"/>"),
        ("<a b=\"c d=\"e\"/>", "<a/>"),
        ("<x/></channel></rss>junk<!-- d --><script/>", "<x/></channel></rss><!-- d -->"),
    ] {
        let before = format!("<rss><channel>{before}</channel></rss>");
        let end = if after.ends_with("-->") && after.contains("</rss>") { "" } else { "</channel></rss>" };
        assert_eq!(annotated(&before), format!("<rss><channel>{after}{end}"), "{before}");
    }
}

#[test]
fn an_item_that_is_cut_off_is_left_out_as_the_reader_does() {
    let whole = "<rss><channel><item><enclosure url='https://p.test/1.mp3'/></item>\n<item><title>2</title><enclosure \
         url='https://p.test/1.mp3'/></item></channel></rss>";
    let first = annotated(
        &whole.replace("\n<item><title>2</title><enclosure url='https://p.test/1.mp3'/></item>", "\n"),
    );
    for end in ["<title>2</ti", "<item><title>2", "<enclosure \n"] {
        let at = whole.rfind(&end[..6]).unwrap();
        assert_eq!(annotated(&whole[..at]).replace('\n', ""), first.replace('\n', ""), "{end}");
    }
    assert_eq!(annotated("<rss "), "<rss version=\"2.0\"/>");
    assert_eq!(annotated("<feed"), "<feed xmlns=\"http://www.w3.org/2005/Atom\"/>");
}

#[test]
fn prefixes_that_nobody_declared_are_declared() {
    let after = annotated("<rss><channel><itunes:author>A</itunes:author><o:p x:y='z'/></channel></rss>");
    assert_eq!(
        after,
        "<rss xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" xmlns:o=\"urn:undeclared:o\" \
         xmlns:x=\"urn:undeclared:x\"><channel><itunes:author>A</itunes:author><o:p x:y='z'/></channel></rss>"
    );
    let many: String = (0..1000).map(|n| format!("<p{n}:x/>")).collect();
    let after = annotated(&format!("<rss><channel>{many}</channel></rss>"));
    assert!(after.contains("<p1:x/>") && after.contains("<p999_x/>"));
}

#[test]
fn no_definition_of_entities_that_could_hurt_is_passed_on() {
    let levels: String = (1..10).map(|n| format!("<!ENTITY l{n} \"&l{0};&l{0};\">", n - 1)).collect();
    let after = annotated(&format!(
        "<!DOCTYPE rss [<!ENTITY l0 \"lol\">{levels}<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\
         <rss><channel><title>&l9;&x;&eacute;</title></channel></rss>"
    ));
    assert_eq!(after, "<rss><channel><title>&amp;l9;&amp;x;&#233;</title></channel></rss>");
    case("<!DOCTYPE rss [<!ENTITY me \"Ada\">]><rss><channel><title>&me;</title></channel></rss>");
}

#[test]
fn hostile_additions_stay_inside_their_attributes() {
    let hostile = "\"/><script>&'\u{1}é";
    let mut additions = additions();
    additions.address = hostile.to_owned();
    let alternate = &mut additions.alternates.get_mut(URL).unwrap()[0];
    (alternate.media_type, alternate.torrent) = (hostile.to_owned(), hostile.to_owned());
    let before = "<rss><channel><atom:link rel='self' href='x'/><item><enclosure url='https://p.test/1.mp3'/></item></channel></rss>";
    let after = annotate(before.as_bytes(), None, None, &additions).unwrap();
    let text = std::str::from_utf8(&after).unwrap();
    assert!(text.is_ascii() && !text.contains("<script"));
    assert_eq!(seen(&after).items[0].enclosures[2].media_type.as_deref(), Some("\"/><script>&'é"));
}

#[test]
fn what_is_no_feed_is_refused_by_its_name() {
    for document in ["", "<html><body/></html>", "{}", "hello"] {
        let error = annotate(document.as_bytes(), None, None, &additions()).unwrap_err();
        assert!(matches!(error, AnnotateError::NoFeed { .. }), "{document}");
    }
}

/// What markup is made of, whole and broken.
fn splinter() -> impl Strategy<Value = String> {
    const SPLINTERS: &[&str] = &[
        "<",
        ">",
        "/>",
        "\"",
        "'",
        "&",
        ";",
        "=",
        " ",
        "\n",
        "]]>",
        "<![CDATA[",
        "<!--",
        "-->",
        "--",
        "<?x",
        "?>",
        "<!",
        "<!DOCTYPE rss [",
        "<item>",
        "</item>",
        "<item ",
        "<channel>",
        "</channel>",
        "</rss>",
        "<title>",
        "</title>",
        "<enclosure url='https://p.test/1.mp3'/>",
        "<enclosure url=\"https://p.test/1.mp3\">",
        "<enclosure url=",
        "https://p.test/1.mp3",
        "<a:b c:d='e'>",
        "</a:b>",
        " xmlns:a='urn:a'",
        " xmlns:podcast=''",
        " url=\"x\" url='y'",
        "&amp;",
        "&nbsp;",
        "&#x1;",
        "&#xe9;",
        "&x;",
        "é",
        "\u{1}",
        "\u{ffff}",
        "<podcast:alternateEnclosure>",
        "<podcast:source uri='magnet:?xt=urn:btih:aa'/>",
        "<:",
        "<x:y:z ",
        "<link rel='self' href='a'/>",
        "<atom:link rel='hub'>",
        "<br>",
        "text",
    ];
    prop_oneof![4 => proptest::sample::select(SPLINTERS).prop_map(str::to_owned), 1 => "\\PC{0,3}"]
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn without_added(feed: Feed) -> Vec<crate::model::Item> {
    let is_theirs = |url: &str| !url.starts_with("https://m.test/") && url != "magnet:?xt=urn:btih:aa&dn=1";
    let mut items = feed.items;
    for item in &mut items {
        item.enclosures.retain(|enclosure| enclosure.role != Role::Alternate || is_theirs(&enclosure.url));
    }
    items
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_broken_comes_out_mended_and_with_the_same_items(
        head in proptest::sample::select(&["", "<?xml version='1.0' encoding='latin1'?>", "\u{feff}\n<?xml ?>", "junk <b>"][..]),
        root in proptest::sample::select(&["<rss><channel>", "<rss", "<feed xmlns='http://www.w3.org/2005/Atom'>", "<r:rss>"][..]),
        splinters in proptest::collection::vec(splinter(), 0..40),
    ) {
        let document = format!("{head}{root}{}", splinters.concat());
        let after = annotate(document.as_bytes(), None, None, &additions());
        let Ok(before) = read(document.as_bytes(), None, None) else {
            prop_assert!(after.is_err());
            return Ok(());
        };
        let after = after.unwrap();
        prop_assert_eq!(without_added(seen(&after)), without_added(before), "{}", document);
        let again = annotated_bytes(&after);
        prop_assert_eq!(text(&again), text(&after), "{}", document);
    }
}
