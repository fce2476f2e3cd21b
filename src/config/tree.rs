//! Text -> a tree of YAML values, in one pass over the parser's events. Refused is what no configuration needs and
//! what could cost without bounds: tags, several documents, deep nesting, aliases that multiply. Of two entries with
//! one key the first stands: the second is a finding, and the rest of the file is still worth reading.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_yaml::{Mapping, Value};

use super::finding::{Collector, KeyPath, Step};
use super::places::Places;

/// No configuration is nested deeper than a third of this. Aliases count with what they repeat.
pub(super) const MAX_DEPTH: usize = 32;

/// Nodes after every alias is written out. Ten thousand shows with all their keys are 200,000.
const MAX_NODES: usize = 400_000;

/// A long text counts as one more node for each so many bytes, lest aliases repeat it without bounds.
const BYTES_OF_A_NODE: usize = 64;

/// Reads the text, with merge keys (`<<`) applied; `None`, with a finding, if nothing can be made of it.
pub(super) fn tree(text: &str, findings: &mut Collector) -> Option<Value> {
    let mut reader =
        Reader { text, first: None, root: Value::Null, open: Vec::new(), anchors: HashMap::new(), findings };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let step = match event {
            Ok((Event::DocumentStart(_), span)) => {
                documents += 1;
                reader.document(documents, span.start.line())
            }
            Ok((event, span)) => reader.event(event, span.start.line()),
            Err(error) => {
                let line = error.marker().line();
                reader.stop(line, error.info(), syntax_hint(text, line))
            }
        };
        step.ok()?;
    }
    reader.finish()
}

fn syntax_hint(text: &str, line: usize) -> &'static str {
    let tab = |line: &str| line.trim_start_matches(' ').starts_with('\t');
    if text.lines().take(line).last().is_some_and(tab) {
        "indent with spaces: YAML does not allow tabs"
    } else {
        "look at the indentation of this line and the one above; a text with `: `, ` #`, a leading `*`, `&`, `{` or \
         `[` needs quotes"
    }
}

/// What a text without quotes stands for.
fn meaning(plain: &str) -> Value {
    match plain {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => plain.parse().map_or_else(|_| plain.into(), Value::Number),
    }
}

/// What stops the reading: the finding is recorded already.
struct Stop;

/// A finished node.
#[derive(Clone)]
struct Node {
    value: Value,
    /// Nodes in it, itself included, with what [`BYTES_OF_A_NODE`] adds.
    nodes: usize,
    /// Levels of mappings and lists, itself included; 0 for a scalar.
    height: usize,
}

/// A mapping or list that is being read.
struct Open {
    anchor: usize,
    nodes: usize,
    height: usize,
    content: Content,
}

enum Content {
    /// With the key whose value comes next.
    Mapping(Mapping, Option<String>),
    List(Vec<Value>),
}

impl Open {
    fn new(content: Content, anchor: usize) -> Self {
        Self { anchor, nodes: 1, height: 1, content }
    }

    /// The way to the node that is being read in this one.
    fn step(&self) -> Option<Step> {
        match &self.content {
            Content::Mapping(_, key) => key.clone().map(Step::Key),
            Content::List(list) => Some(Step::Index(list.len())),
        }
    }

    fn put(&mut self, node: Node) {
        self.nodes = self.nodes.saturating_add(node.nodes);
        self.height = self.height.max(node.height + 1);
        match &mut self.content {
            Content::Mapping(mapping, key) => {
                mapping.entry(key.take().unwrap_or_default().into()).or_insert(node.value);
            }
            Content::List(list) => list.push(node.value),
        }
    }

    fn close(self) -> Node {
        let value = match self.content {
            Content::Mapping(mapping, _) => Value::Mapping(mapping),
            Content::List(list) => Value::Sequence(list),
        };
        Node { value, nodes: self.nodes, height: self.height }
    }
}

struct Reader<'a> {
    text: &'a str,
    /// Where each key stands first; made when one stands twice.
    first: Option<Places>,
    root: Value,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    findings: &'a mut Collector,
}

impl Reader<'_> {
    fn document(&mut self, number: usize, line: usize) -> Result<(), Stop> {
        if number < 2 {
            return Ok(());
        }
        self.stop(line, "a second document begins here", "remove the line `---`")
    }

    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.no_tag(tag.is_some(), line)?;
                if self.expects_key() {
                    self.key(text, line);
                    return Ok(());
                }
                let nodes = 1 + text.len() / BYTES_OF_A_NODE;
                let value =
                    if style == ScalarStyle::Plain { meaning(&text) } else { text.into_owned().into() };
                self.put(Node { value, nodes, height: 0 }, anchor, line)
            }
            Event::Alias(anchor) => {
                self.no_complex_key(line)?;
                match self.anchors.get(&anchor).cloned() {
                    Some(node) => self.put(node, 0, line),
                    None => self.stop(line, "this alias stands inside what it repeats", "remove it"),
                }
            }
            Event::MappingStart(anchor, tag) => {
                let content = Content::Mapping(Mapping::new(), None);
                self.open(Open::new(content, anchor), tag.is_some(), line)
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(Open::new(Content::List(Vec::new()), anchor), tag.is_some(), line)
            }
            Event::MappingEnd | Event::SequenceEnd => match self.open.pop() {
                Some(open) => {
                    let anchor = open.anchor;
                    self.put(open.close(), anchor, line)
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn stop(&mut self, line: usize, text: &str, hint: &str) -> Result<(), Stop> {
        self.findings.text_error((line, &KeyPath::default()), "config.yaml", text, hint);
        Err(Stop)
    }

    fn no_tag(&mut self, tagged: bool, line: usize) -> Result<(), Stop> {
        if !tagged {
            return Ok(());
        }
        self.stop(line, "a tag (`!`) has no meaning here", "put the text into quotes")
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Mapping(_, None), .. }))
    }

    fn no_complex_key(&mut self, line: usize) -> Result<(), Stop> {
        if !self.expects_key() {
            return Ok(());
        }
        let hint = "write `key: value`; a text that begins with `*`, `[` or `{` needs quotes";
        self.stop(line, "a key must be a text", hint)
    }

    /// A key is its text as it is written: `99: {feed: ...}` is a show named 99.
    fn key(&mut self, text: Cow<'_, str>, line: usize) {
        let Some(Open { content: Content::Mapping(mapping, key), .. }) = self.open.last_mut() else { return };
        let stands_twice = mapping.contains_key(&*text);
        *key = Some(text.into_owned());
        if stands_twice {
            self.duplicate(line);
        }
    }

    fn duplicate(&mut self, line: usize) {
        let at = KeyPath(self.open.iter().filter_map(Open::step).collect());
        let places = self.first.get_or_insert_with(|| Places::of(self.text));
        let text = format!("stands twice; the first is on line {}", places.line(&at).unwrap_or(line));
        self.findings.text_error((line, &at), "config.duplicate_key", text, "remove or rename one of them");
    }

    fn open(&mut self, open: Open, tagged: bool, line: usize) -> Result<(), Stop> {
        self.no_tag(tagged, line)?;
        self.no_complex_key(line)?;
        self.check_depth(open.height, line)?;
        self.open.push(open);
        Ok(())
    }

    fn check_depth(&mut self, height: usize, line: usize) -> Result<(), Stop> {
        if self.open.len() + height <= MAX_DEPTH {
            return Ok(());
        }
        self.stop(line, "nested too deeply", "nothing here needs so many levels")
    }

    /// Puts a node into the innermost open one.
    fn put(&mut self, node: Node, anchor: usize, line: usize) -> Result<(), Stop> {
        self.check_depth(node.height, line)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = node.value;
            return Ok(());
        };
        open.put(node);
        if open.nodes <= MAX_NODES {
            return Ok(());
        }
        self.stop(line, "too large once all aliases are written out", "use fewer aliases (`*`)")
    }

    fn finish(mut self) -> Option<Value> {
        // Looking for merge keys in each mapping is a look-up in each.
        if !self.text.contains("<<") {
            return Some(self.root);
        }
        match self.root.apply_merge() {
            Ok(()) => Some(self.root),
            Err(error) => {
                let at = (1, &KeyPath::default());
                self.findings.text_error(at, "config.yaml", error.to_string(), "");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> (Option<Value>, Vec<String>) {
        let mut findings = Collector::new(Path::new("podseed.yaml"));
        let tree = tree(text, &mut findings);
        (tree, findings.finish(|_| None).0.into_iter().map(|finding| finding.text).collect())
    }

    /// What a YAML library makes of a text is what we make of it.
    #[test]
    fn values_are_those_of_the_yaml_library() {
        let text = r#"
empty:
nulls: [~, null, Null, NULL, "null", '~', nUll]
truths: [true, False, TRUE, yes, on, "true"]
numbers: [0, -3, +5, 007, 0x1f, 0o17, 0b101, 1e3, 2.5, .5, -.inf, 1_000, 1.2.3, "20", 18446744073709551615]
dates: 2020-01-01
times: 12:30
addresses: https://example.org/a?b=1#c
folded: >-
  one
  two

  three
literal: |
  a: b
    c
quoted: "a\u00fc\n\
  b"
plain: one
  two
'single': 'it''s'
list:
- {a: 1, b: [c, {d: e}]}
- - nested
base: &base {feed: a.xml, clients: &clients [nas]}
merged: {<<: *base, feed: b.xml}
several: {<<: [*base, {title: t}]}
again: *clients
"#;
        let mut expected: Value = serde_yaml::from_str(text).unwrap();
        expected.apply_merge().unwrap();
        assert_eq!(read(text), (Some(expected), Vec::new()));
    }

    #[test]
    fn a_key_is_what_is_written() {
        let (tree, _) = read("99: a\n0x10: b\ntrue: c\n");
        let tree = tree.unwrap();
        assert_eq!((&tree["99"], &tree["0x10"], &tree["true"]), (&"a".into(), &"b".into(), &"c".into()));
    }

    #[test]
    fn a_number_beyond_all_numbers_is_a_text() {
        let digits = "9".repeat(30);
        assert_eq!(read(&digits).0, Some(digits.as_str().into()));
    }

    #[test]
    fn aliases_cannot_nest_deeper_than_lists() {
        let chain = |links: usize| {
            let link = |n: usize| {
                format!("k{n}: &k{n} [{}]\n", if n == 0 { "x".into() } else { format!("*k{}", n - 1) })
            };
            (0..links).map(link).collect::<String>()
        };
        assert_eq!(read(&chain(MAX_DEPTH - 1)).1, [""; 0]);
        assert_eq!(read(&chain(MAX_DEPTH)).1, ["nested too deeply"]);
        assert_eq!(read(&"[".repeat(MAX_DEPTH + 1)).1, ["nested too deeply"]);
    }

    #[test]
    fn aliases_cannot_repeat_a_long_text_without_bounds() {
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(1000));
        assert_eq!(read(&text).1, ["too large once all aliases are written out"]);
    }

    #[test]
    fn an_alias_inside_what_it_repeats_is_refused() {
        assert_eq!(read("a: &a [*a]").1, ["this alias stands inside what it repeats"]);
    }
}
