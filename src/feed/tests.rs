//! Whole documents, small and on purpose: what feeds do to their readers.

use super::*;
use crate::model::{FeedKind, Role};

fn feed(document: &str) -> Feed {
    read(document.as_bytes(), None, None).unwrap()
}

fn rss(items: &str) -> Feed {
    feed(&format!("<rss version=\"2.0\"><channel><title>Show</title>{items}</channel></rss>"))
}

fn titles(feed: &Feed) -> Vec<&str> {
    feed.items.iter().map(|item| item.title.as_str()).collect()
}

fn urls(feed: &Feed) -> Vec<&str> {
    feed.items.iter().flat_map(|item| &item.enclosures).map(|enclosure| enclosure.url.as_str()).collect()
}

#[test]
fn rss_in_a_default_namespace_and_under_a_prefix_is_rss() {
    for (name, declaration) in [("", "xmlns"), ("r:", "xmlns:r")] {
        let feed = feed(&format!(
            "<{name}rss {declaration}=\"http://somewhere.test/rss\"><{name}channel><{name}title>T</{name}title>\
             <{name}item><{name}guid>1</{name}guid><{name}enclosure url=\"http://a.test/1.mp3\"/></{name}item>\
             </{name}channel></{name}rss>"
        ));
        assert_eq!((feed.title.as_str(), urls(&feed)), ("T", vec!["http://a.test/1.mp3"]));
        assert_eq!(feed.items[0].guid.as_deref(), Some("1"));
    }
}

#[test]
fn the_feeds_own_prefix_is_its_own_undeclared_too() {
    let feeds = [
        "<r:rss><r:channel><r:item><r:guid>1</r:guid></r:item></r:channel></r:rss>",
        "<a:feed><a:entry><a:id>1</a:id></a:entry></a:feed>",
        "<feed><atom:entry><atom:id>1</atom:id></atom:entry></feed>",
    ];
    for document in feeds {
        assert_eq!(feed(document).items[0].guid.as_deref(), Some("1"), "{document}");
    }
}

#[test]
fn rss_1_0_has_its_items_beside_the_channel_and_its_guid_in_an_attribute() {
    let feed = feed(
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' \
         xmlns:e='http://purl.oclc.org/net/rss_2.0/enc#' xmlns:d='http://purl.org/dc/elements/1.1/'>\
         <channel rdf:about='http://a.test/'><title>Old</title></channel>\
         <item rdf:about='http://a.test/1'><title>One</title><d:date>2004-05-06T07:08:09Z</d:date>\
         <e:enclosure rdf:resource='http://a.test/1.mp3' e:type='audio/mpeg' e:length='5'/></item></rdf:RDF>",
    );
    assert_eq!((feed.kind, feed.title.as_str()), (FeedKind::Rdf, "Old"));
    let item = &feed.items[0];
    assert_eq!(item.guid.as_deref(), Some("http://a.test/1"));
    assert_eq!(item.date.unwrap().to_string(), "2004-05-06T07:08:09Z");
    assert_eq!(
        (item.enclosures[0].length, item.enclosures[0].media_type.as_deref()),
        (Some(5), Some("audio/mpeg"))
    );
}

#[test]
fn atom_0_3_and_prefixed_atom_are_atom() {
    let feed = feed(
        "<a:feed xmlns:a='http://purl.org/atom/ns#' version='0.3'><a:title>Show</a:title>\
         <a:entry><a:title mode='escaped' type='text/html'>One &amp;lt;b&amp;gt; &lt;i&gt;x&lt;/i&gt;</a:title>\
         <a:id>1</a:id><a:modified>2004-01-02T00:00:00Z</a:modified><a:issued>2004-01-01T01:00:00+01:00</a:issued>\
         <a:link rel='alternate' href='http://a.test/one'/>\
         <a:link rel='Enclosure' href='http://a.test/1.mp3' type='audio/mpeg'/></a:entry></a:feed>",
    );
    let item = &feed.items[0];
    assert_eq!((item.title.as_str(), item.guid.as_deref()), ("One <b> x", Some("1")));
    assert_eq!(item.date.unwrap().to_string(), "2004-01-01T00:00:00Z");
    assert_eq!(item.link.as_deref(), Some("http://a.test/one"));
    assert_eq!((item.enclosures[0].role, urls(&feed)), (Role::Enclosure, vec!["http://a.test/1.mp3"]));
}

#[test]
fn namespaces_count_by_address_and_undeclared_prefixes_by_habit() {
    let usual = rss(
        "<item><podcast:alternateEnclosure type='audio/opus'><podcast:source uri='http://a.test/1.opus'/>\
         </podcast:alternateEnclosure><atom:link rel='enclosure' href='http://a.test/2.mp3'/></item>",
    );
    assert_eq!(urls(&usual), ["http://a.test/1.opus", "http://a.test/2.mp3"]);
    let other = rss("<item xmlns:podcast='urn:another' xmlns:p='https://podcastindex.org/namespace/1.0'>\
         <podcast:alternateEnclosure><podcast:source uri='http://a.test/not.opus'/></podcast:alternateEnclosure>\
         <p:alternateEnclosure type='audio/opus'><p:source uri='http://a.test/1.opus'/></p:alternateEnclosure></item>");
    assert_eq!(urls(&other), ["http://a.test/1.opus"]);
}

#[test]
fn what_is_commented_out_or_quoted_is_not_there() {
    let feed = rss("<!-- <item><enclosure url='http://a.test/1.mp3'/></item> -->\
         <item><title>T</title><description><![CDATA[<enclosure url='http://a.test/2.mp3'/></item>]]>\
         &lt;enclosure url='http://a.test/3.mp3'/&gt;</description><enclosure url='http://a.test/4.mp3'/></item>");
    assert_eq!((feed.items.len(), urls(&feed)), (1, vec!["http://a.test/4.mp3"]));
}

#[test]
fn quoted_text_ends_at_its_first_end_and_nowhere_else() {
    let feed = rss("<item><title><![CDATA[a > b ]] c]>]]> d</title><guid><![CDATA[]]>1</guid></item>\
         <item><title><![CDATA[one]]><![CDATA[ two]]></title><enclosure url='http://a.test/2.mp3'/></item>\
         <item><title>\n<![CDATA[three]]></title><x:y><![CDATA[<guid>no</guid>]]></x:y></item>");
    assert_eq!(titles(&feed), ["a > b ]] c]> d", "one two", "three"]);
    assert_eq!((feed.items[0].guid.as_deref(), feed.items[2].guid.as_deref()), (Some("1"), None));
    assert_eq!(urls(&feed), ["http://a.test/2.mp3"]);
    assert!(rss("<item><title>1</title></item><item><title><![CDATA[open</title></item>").truncated);
}

#[test]
fn texts_belong_to_their_items_however_many_there_are() {
    let item = |n: usize| match n % 3 {
        0 => "<item/>".to_owned(),
        1 => format!("<item><title>{n}</title></item>"),
        _ => format!("<item><guid>{n}</guid><link>http://a.test/{n}</link></item>"),
    };
    let feed = rss(&(0..200).map(item).collect::<String>());
    assert_eq!(feed.items.len(), 200);
    for (n, item) in feed.items.iter().enumerate() {
        let text = Some(n.to_string());
        assert_eq!(item.title, if n % 3 == 1 { n.to_string() } else { String::new() });
        assert_eq!(item.guid, text.filter(|_| n % 3 == 2));
        assert_eq!(item.link.is_some(), n % 3 == 2);
    }
}

#[test]
fn only_an_items_own_texts_are_its_texts() {
    let feed = rss(
        "<image><title>No</title></image><item><media:title>No</media:title><itunes:title>No</itunes:title>\
         <source url='x'><title>No</title></source><x:y><guid>no</guid></x:y>\
         <title>The <b>bold</b> <![CDATA[& quoted]]></title><guid> a  b </guid><title>Second</title></item>",
    );
    assert_eq!((feed.title.as_str(), titles(&feed)), ("Show", vec!["The bold & quoted"]));
    assert_eq!(feed.items[0].guid.as_deref(), Some("a b"));
}

#[test]
fn unclosed_and_unmatched_tags_cost_nothing() {
    let feed = rss("<item><title>One</title><description>text <br> more <p></description><guid>1</guid>\
         <enclosure url='http://a.test/1.mp3'></item></p></i>\
         <item><title>Two</title><description>open<enclosure url='http://a.test/2.mp3'/></item>\
         <item><title>Three</title><item><title>Four</title></item>");
    assert_eq!(titles(&feed), ["One", "Two", "Three", "Four"]);
    assert_eq!(urls(&feed), ["http://a.test/1.mp3", "http://a.test/2.mp3"]);
    assert!(!feed.truncated);
}

#[test]
fn a_thousand_items_that_nobody_closes_are_all_there() {
    let items: String = (0..1000).map(|n| format!("<item><title>{n}</title>")).collect();
    assert_eq!(rss(&items).items.len(), 1000);
}

#[test]
fn a_missing_quotation_mark_costs_one_address() {
    let feed = rss(
        "<item><title>1</title><enclosure url=\"http://a.test/1.mp3 length=\"1\" type=\"audio/mpeg\"/></item>\
         <item><title>2 < 3 & 4 > 5</title><enclosure url=\"http://a.test/2.mp3\"/></item>\
         <item><title>3</title><enclosure url=\"http://a.test/3.mp3\"type='audio/mpeg'length=5 /></item>",
    );
    assert_eq!(titles(&feed), ["1", "2 < 3 & 4 > 5", "3"]);
    assert_eq!(urls(&feed), ["http://a.test/2.mp3", "http://a.test/3.mp3"]);
    assert_eq!(feed.items[2].enclosures[0].length, Some(5));
    assert!(feed.warnings.iter().any(|warning| warning.contains("damaged markup")));
}

#[test]
fn a_document_that_ends_early_keeps_its_complete_items_and_says_so() {
    let whole = "<rss><channel><item><title>1</title></item><item><title>2</title><guid>2</guid></item></channel></rss>";
    for cut in ["<guid>2", "</item></chan", "</item>"] {
        let at = whole.rfind(cut).unwrap();
        let feed = feed(&whole[..at + 1]);
        assert!(feed.truncated && !feed.warnings.is_empty(), "{cut}");
        assert_eq!(titles(&feed)[0], "1");
        assert!(feed.items.iter().all(|item| item.title == "1" || item.guid.is_some()), "{cut}");
    }
}

#[test]
fn encodings_are_found_out() {
    let document = "<?xml version='1.0' encoding='utf-16'?><rss><channel><item><title>Žluťoučký</title></item></channel></rss>";
    let big_endian: Vec<u8> = document.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(titles(&read(&big_endian, None, None).unwrap()), ["Žluťoučký"]);
    let latin_2 = b"<?xml version='1.0' encoding='iso-8859-2'?><rss><item><title>\xae</title></item></rss>";
    assert_eq!(titles(&read(latin_2, None, None).unwrap()), ["Ž"]);
    assert_eq!(titles(&read(latin_2, Some("text/xml; charset=windows-1252"), None).unwrap()), ["®"]);
}

#[test]
fn entities_are_never_expanded_beyond_what_html_knows() {
    let levels: String = (1..10).map(|n| format!("<!ENTITY l{n} \"&l{0};&l{0};&l{0};\">", n - 1)).collect();
    let feed = feed(&format!(
        "<!DOCTYPE rss [<!ENTITY l0 \"lol\">{levels}<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\
         <rss><channel><item><title>&l9;&x;&eacute;</title></item></channel></rss>"
    ));
    assert_eq!(titles(&feed), ["&l9;&x;é"]);
}

#[test]
fn nothing_recurses_whatever_is_nested() {
    let depth = 60_000;
    let nest = |open: &str, close: &str| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let rss = format!(
        "<rss><channel>{}<item><title>T</title>{}<enclosure url='http://a.test/1.mp3'/></item></channel></rss>",
        nest("<x:a>", "</x:a>"),
        nest("<itunes:b>", "</itunes:b>")
    );
    let atom =
        format!("<feed><entry><title>T</title><content>{}</content></entry></feed>", nest("<p>", "</p>"));
    let reading = move || [feed(&rss), feed(&atom)];
    let feeds = std::thread::Builder::new().stack_size(256 * 1024).spawn(reading).unwrap().join().unwrap();
    for feed in &feeds {
        assert_eq!(titles(feed), ["T"]);
        assert!(feed.warnings.iter().any(|warning| warning.contains("deep")), "{:?}", feed.warnings);
    }
    assert_eq!(urls(&feeds[0]), ["http://a.test/1.mp3"]);
}

#[test]
fn floods_end_at_their_limits_with_a_warning() {
    let warned = |feed: &Feed, word: &str| feed.warnings.iter().any(|warning| warning.contains(word));
    let declarations: String = (0..1000).map(|n| format!(" xmlns:p{n}='urn:{n}'")).collect();
    assert!(warned(&rss(&format!("<x{declarations}/>")), "namespaces"));
    let enclosures: String = (0..1000).map(|n| format!("<enclosure url='http://a.test/{n}'/>")).collect();
    let flood = rss(&format!("<item>{enclosures}</item>"));
    assert!(warned(&flood, "enclosures") && urls(&flood).len() < 1000);
    let items = rss(&"<item/>".repeat(60_000));
    assert!(warned(&items, "items") && items.items.len() < 60_000 && items.truncated);
    let schemes: String = (0..1000).map(|n| format!("<enclosure url='s{n}://x'/>")).collect();
    assert!(rss(&format!("<item>{schemes}</item>")).warnings.len() < 50);
    let long = "x".repeat(2_000_000);
    let feed = rss(&format!("<item><title>{long}</title><enclosure url='http://a.test/{long}'/></item>"));
    assert!(feed.items[0].title.len() < 100_000 && urls(&feed)[0].len() > 2_000_000);
}

#[test]
fn what_the_crates_get_to_see_has_three_levels_and_no_declarations_of_the_feed() {
    let document = "<rss xmlns:evil='urn:evil'><channel><title>T<x><y><z>deep</z></y></x></title>\
         <item><evil:a xmlns:b='urn:b'><evil:c/></evil:a><title>&lt;/title&gt;</title></item></channel></rss>";
    let draft = pass::walk(document, FeedKind::Rss, None);
    assert_eq!(draft.show.fields.as_xml(), "<title>Tdeep</title>");
    assert_eq!(draft.items[0].fields.as_xml(), "<title>&lt;/title></title>");
}

#[test]
fn the_show_says_what_may_be_done_with_it() {
    let feed = rss("<podcast:locked>Yes</podcast:locked><podcast:block>yes</podcast:block>\
         <atom:link rel='license' href='https://creativecommons.org/licenses/by/4.0/'/>\
         <creativeCommons:license>http://creativecommons.org/licenses/by/2.0/</creativeCommons:license>\
         <itunes:new-feed-url> https://new.test/feed </itunes:new-feed-url><sy:updatePeriod>Hourly</sy:updatePeriod>\
         <sy:updateFrequency>2</sy:updateFrequency>\
         <item><podcast:license url='https://a.test/l'>my-slug</podcast:license></item>\
         <item><cc:license rdf:resource='http://creativecommons.org/licenses/by-sa/3.0/'/></item>");
    assert!(feed.locked && feed.blocked);
    assert_eq!(feed.licence.as_deref(), Some("http://creativecommons.org/licenses/by/2.0/"));
    assert_eq!(feed.new_feed_url.as_deref(), Some("https://new.test/feed"));
    assert_eq!(feed.poll_interval, Some(1800));
    assert_eq!(feed.items[0].licence.as_deref(), Some("my-slug"));
    assert_eq!(feed.items[1].licence.as_deref(), Some("http://creativecommons.org/licenses/by-sa/3.0/"));
}

#[test]
fn a_licence_is_found_wherever_feeds_state_it() {
    let by = "https://creativecommons.org/licenses/by/4.0/";
    for element in [
        format!("<podcast:license url='{by}'>Our licence</podcast:license>"),
        format!("<creativeCommons:license>{by}</creativeCommons:license>"),
        format!("<atom:link rel='license' type='text/html' href='{by}'/>"),
        format!("<cc:license>{by}</cc:license>"),
        format!("<cc:license rdf:resource='{by}'/>"),
        format!("<dcterms:license>{by}</dcterms:license>"),
        format!("<dc:rights>{by}</dc:rights>"),
        format!("<atom:rights>{by}</atom:rights>"),
        format!("<copyright>{by}</copyright>"),
        format!("<media:license type='text/html' href='{by}'>See there</media:license>"),
        format!("<media:copyright url='{by}'>2021 Ada</media:copyright>"),
    ] {
        let feed = rss(&format!("{element}<item>{element}</item>"));
        assert_eq!(feed.licence.as_deref(), Some(by), "{element}");
        assert_eq!(feed.items[0].licence.as_deref(), Some(by), "{element}");
    }
    let atom = feed(&format!(
        "<feed xmlns='http://www.w3.org/2005/Atom'><link rel='license' href='{by}'/>\
         <entry><rights>CC BY-SA 4.0</rights></entry></feed>"
    ));
    assert_eq!(atom.licence.as_deref(), Some(by));
    assert_eq!(atom.items[0].licence.as_deref(), Some("CC BY-SA 4.0"));
    let silent = rss("<copyright>© 2021 Ada</copyright><item><dc:rights>Ada</dc:rights></item>");
    assert_eq!((silent.licence, silent.items[0].licence.as_ref()), (None, None));
}

#[test]
fn addresses_follow_the_nearest_base_and_never_leave_the_web() {
    let base = Url::parse("https://radio.test/feeds/show.xml").unwrap();
    let document = "<rss xml:base='/audio/'><channel xml:base='https://cdn.test/x/'>\
         <item><enclosure url='1.mp3'/></item><item xml:base='../y/'><enclosure url='2%2F.mp3'/>\
         <enclosure xml:base='file:///etc/' url='passwd'/><enclosure url='file:///etc/passwd'/></item></channel></rss>";
    let feed = read(document.as_bytes(), None, Some(&base)).unwrap();
    assert_eq!(
        urls(&feed),
        ["https://cdn.test/x/1.mp3", "https://cdn.test/y/2%2F.mp3", "https://cdn.test/y/passwd"]
    );
    assert!(feed.warnings.iter().any(|warning| warning.contains("\"file:\"")));
}

#[test]
fn what_is_written_once_is_not_copied_without_end() {
    let long = "x".repeat(100_000);
    let sources: String = (0..100).map(|n| format!("<podcast:source uri='http://a.test/{n}'/>")).collect();
    let feed = rss(&format!(
        "<item><podcast:alternateEnclosure type='audio/{long}' length='{long}'>{sources}</podcast:alternateEnclosure>\
         <x xml:base='http://a.test/{long}/'><enclosure url='http://a.test/abs'/><enclosure url='rel'/></x></item>"
    ));
    assert_eq!(feed.items[0].enclosures.len(), 102);
    assert!(feed.items[0].enclosures.iter().all(|enclosure| enclosure.media_type.is_none()));
    assert!(urls(&feed).iter().all(|url| url.len() < 100));
}

#[test]
fn a_comment_that_never_ends_hides_the_feed() {
    assert!(matches!(read("<!--<rss>".repeat(100_000).as_bytes(), None, None), Err(Error::NoMarkup)));
}

#[test]
fn the_show_says_what_it_is_about() {
    let base = Url::parse("https://radio.test/feeds/show.xml").unwrap();
    let document = "<rss xml:lang='en'><channel xml:lang='fr'><image><url>/old.png</url><title>No</title></image>\
         <itunes:image href='cover.jpg'/><itunes:author>Radio &amp; Friends</itunes:author>\
         <managingEditor>x@radio.test (No)</managingEditor><language> de-AT </language>\
         <description>&lt;p&gt;Of &lt;b&gt;all&lt;/b&gt; &amp;amp; more&lt;/p&gt;</description>\
         <item><description>No</description><itunes:author>No</itunes:author><itunes:image href='no.jpg'/></item>\
         </channel></rss>";
    let feed = read(document.as_bytes(), None, Some(&base)).unwrap();
    assert_eq!(feed.language.as_deref(), Some("de-AT"));
    assert_eq!(feed.author.as_deref(), Some("Radio & Friends"));
    assert_eq!(feed.image.as_deref(), Some("https://radio.test/feeds/cover.jpg"));
    assert_eq!(feed.description.as_deref(), Some("Of all & more"));
}

#[test]
fn atom_and_rss_1_0_say_it_their_way() {
    let atom = feed(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='ja'><author><name>A</name><uri>No</uri></author>\
         <subtitle type='html'>One &lt;i&gt;two&lt;/i&gt;</subtitle><logo>https://a.test/l.png</logo>\
         <entry><author><name>No</name></author></entry></feed>",
    );
    let said = (atom.language, atom.author, atom.description, atom.image);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(said, (some("ja"), some("A"), some("One two"), some("https://a.test/l.png")));
    let rdf = feed(
        "<rdf:RDF xmlns='http://purl.org/rss/1.0/'><channel><image rdf:resource='no'/><dc:creator>C</dc:creator>\
         <dc:language>sv</dc:language></channel><image><url>relative.png</url></image></rdf:RDF>",
    );
    assert_eq!((rdf.language, rdf.author, rdf.image), (some("sv"), some("C"), None));
}

#[test]
fn a_text_of_the_show_that_nobody_closes_ends_at_the_first_item() {
    let feed = rss("<description>About<item><title>One</title></item>");
    assert_eq!((feed.description.as_deref(), titles(&feed)), (Some("About"), vec!["One"]));
}
