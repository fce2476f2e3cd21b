//! The text's outline: on which line each key stands. It is made before the YAML is read into values, and refuses
//! what must not reach them: duplicate keys, tags, several documents, nesting and aliases without bounds.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, Span};

use super::finding::{Collector, KeyPath};

/// No configuration is nested deeper than a third of this.
const MAX_DEPTH: usize = 32;

/// Nodes after every alias is written out. Ten thousand shows with all their keys are 200,000.
const MAX_NODES: usize = 400_000;

/// The line of each node.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<KeyPath, usize>);

impl Places {
    /// The line of a node, else that of the nearest node above it: what comes out of an alias has no line of its own.
    pub(super) fn line(&self, at: &KeyPath) -> Option<usize> {
        (0..=at.0.len()).rev().find_map(|length| self.0.get(&KeyPath(at.0[..length].to_vec())).copied())
    }
}

/// A mapping or list that is being read.
struct Open {
    at: KeyPath,
    /// Nodes in it so far, itself included.
    nodes: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    Mapping { seen: HashSet<String>, key: Option<String> },
    List { next: usize },
}

/// What stops the reading: the finding is recorded already.
struct Stop;

struct Outline<'a> {
    places: Places,
    open: Vec<Open>,
    /// Nodes below each finished anchor.
    anchors: HashMap<usize, usize>,
    nodes: usize,
    findings: &'a mut Collector,
}

/// Reads the outline; `None`, with a finding, if the text must not be read into values. Duplicate keys are findings
/// and no more.
pub(super) fn outline(text: &str, findings: &mut Collector) -> Option<Places> {
    let mut outline =
        Outline { places: Places::default(), open: Vec::new(), anchors: HashMap::new(), nodes: 0, findings };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let step = match event {
            Ok((Event::DocumentStart(_), span)) => {
                documents += 1;
                outline.document(documents, line(span))
            }
            Ok((event, span)) => outline.event(event, line(span)),
            Err(error) => {
                let number = error.marker().line();
                outline.findings.text_error(
                    (number, &KeyPath::default()),
                    "config.yaml",
                    error.info(),
                    syntax_hint(text, number),
                );
                Err(Stop)
            }
        };
        step.ok()?;
    }
    Some(outline.places)
}

fn line(span: Span) -> usize {
    span.start.line()
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

impl Outline<'_> {
    fn document(&mut self, number: usize, line: usize) -> Result<(), Stop> {
        if number < 2 {
            return Ok(());
        }
        self.stop(line, "a second document begins here", "remove the line `---`")
    }

    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, _, anchor, tag) => {
                self.no_tag(tag.is_some(), line)?;
                if self.expects_key() {
                    return self.key(&text, line);
                }
                self.place(line)?;
                self.anchors.insert(anchor, 1);
                self.count(1, line)
            }
            Event::Alias(anchor) => {
                self.no_complex_key(line)?;
                self.place(line)?;
                match self.anchors.get(&anchor).copied() {
                    Some(nodes) => self.count(nodes, line),
                    None => self.stop(line, "this alias stands inside what it repeats", "remove it"),
                }
            }
            Event::MappingStart(anchor, tag) => {
                let content = Content::Mapping { seen: HashSet::new(), key: None };
                self.open(content, anchor, tag.is_some(), line)
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(Content::List { next: 0 }, anchor, tag.is_some(), line)
            }
            Event::MappingEnd | Event::SequenceEnd => self.close(line),
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
        matches!(self.open.last(), Some(Open { content: Content::Mapping { key: None, .. }, .. }))
    }

    fn no_complex_key(&mut self, line: usize) -> Result<(), Stop> {
        if !self.expects_key() {
            return Ok(());
        }
        let hint = "write `key: value`; a text that begins with `*`, `[` or `{` needs quotes";
        self.stop(line, "a key must be a text", hint)
    }

    fn key(&mut self, text: &str, line: usize) -> Result<(), Stop> {
        let Some(Open { at, content: Content::Mapping { seen, key }, .. }) = self.open.last_mut() else {
            return Ok(());
        };
        let at = at.key(text);
        *key = Some(text.to_owned());
        if !seen.insert(text.to_owned()) {
            let first = self.places.line(&at).unwrap_or(line);
            let text = format!("stands twice; the first is on line {first}");
            self.findings.text_error(
                (line, &at),
                "config.duplicate_key",
                text,
                "remove or rename one of them",
            );
            return Ok(());
        }
        self.places.0.insert(at, line);
        Ok(())
    }

    /// Takes the place that the next node has in the innermost open one, and notes its line.
    fn place(&mut self, line: usize) -> Result<KeyPath, Stop> {
        let Some(open) = self.open.last_mut() else {
            self.places.0.insert(KeyPath::default(), line);
            return Ok(KeyPath::default());
        };
        Ok(match &mut open.content {
            // A mapping's values have the line of their key.
            Content::Mapping { key, .. } => open.at.key(&key.take().unwrap_or_default()),
            Content::List { next } => {
                let at = open.at.index(*next);
                *next += 1;
                self.places.0.insert(at.clone(), line);
                at
            }
        })
    }

    fn open(&mut self, content: Content, anchor: usize, tagged: bool, line: usize) -> Result<(), Stop> {
        self.no_tag(tagged, line)?;
        self.no_complex_key(line)?;
        let at = self.place(line)?;
        if self.open.len() >= MAX_DEPTH {
            return self.stop(line, "nested too deeply", "nothing here needs so many levels");
        }
        self.open.push(Open { at, nodes: 1, anchor, content });
        Ok(())
    }

    fn close(&mut self, line: usize) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        self.anchors.insert(open.anchor, open.nodes);
        self.count(open.nodes, line)
    }

    fn count(&mut self, nodes: usize, line: usize) -> Result<(), Stop> {
        let sum = self.open.last_mut().map_or(&mut self.nodes, |open| &mut open.nodes);
        *sum = sum.saturating_add(nodes);
        if *sum <= MAX_NODES {
            return Ok(());
        }
        self.stop(line, "too large once all aliases are written out", "use fewer aliases (`*`)")
    }
}
