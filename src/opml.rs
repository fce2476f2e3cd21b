//! Ground: OPML 2.0 as podseed writes it (<http://opml.org/spec2.opml>): lists of subscriptions, in folders or not. It
//! has no date, so that it changes only with the list.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outline {
    /// A folder with lines in it.
    Folder {
        /// Its name.
        text: String,
        /// What is in it.
        outlines: Vec<Outline>,
    },
    /// A feed to subscribe to ("Subscription lists": `type`, `text` and `xmlUrl` are required).
    Feed {
        /// Its title.
        text: String,
        /// Its address.
        xml_url: String,
        /// The page that it belongs to.
        html_url: Option<String>,
    },
}

/// A whole document. What XML cannot hold is left out of texts.
pub fn write(title: &str, outlines: &[Outline]) -> Vec<u8> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
    // Writing to memory cannot fail.
    let _ = document(&mut writer, title, outlines);
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    bytes
}

fn document(writer: &mut Writer<Vec<u8>>, title: &str, outlines: &[Outline]) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    writer.create_element("opml").with_attribute(("version", "2.0")).write_inner_content(|writer| {
        writer.create_element("head").write_inner_content(|writer| {
            writer.create_element("title").write_text_content(BytesText::new(&xml_text(title)))?;
            Ok(())
        })?;
        writer.create_element("body").write_inner_content(|writer| all(writer, outlines))?;
        Ok(())
    })?;
    Ok(())
}

fn all(writer: &mut Writer<Vec<u8>>, outlines: &[Outline]) -> io::Result<()> {
    outlines.iter().try_for_each(|outline| match outline {
        Outline::Folder { text, outlines } => {
            let folder = writer.create_element("outline").with_attribute(("text", xml_text(text).as_str()));
            folder.write_inner_content(|writer| all(writer, outlines)).map(drop)
        }
        Outline::Feed { text, xml_url, html_url } => {
            let text = xml_text(text);
            let required = [("type", "rss"), ("text", &text), ("title", &text), ("xmlUrl", xml_url)];
            let page = html_url.as_deref().map(|url| ("htmlUrl", url));
            let attributes = required.into_iter().chain(page);
            writer.create_element("outline").with_attributes(attributes).write_empty().map(drop)
        }
    })
}

/// Without the characters that no XML document may hold (XML 1.0, 2.2).
fn xml_text(text: &str) -> String {
    let may_stand = |c: &char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(may_stand).collect()
}
