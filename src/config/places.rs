//! On which line each node of a text stands. Only findings need it: a text in which nothing is wrong is never read
//! for it.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};

use super::finding::KeyPath;
use super::tree::MAX_DEPTH;

/// The line of each node.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<KeyPath, usize>);

impl Places {
    /// Those of a text, as far as it can be read. Of two entries with one key the first counts.
    pub(super) fn of(text: &str) -> Self {
        let mut outline = Outline { places: Self::default(), open: Vec::new() };
        for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
            outline.event(event, span.start.line());
            if outline.open.len() > MAX_DEPTH {
                break;
            }
        }
        outline.places
    }

    /// The line of a node, else that of the nearest node above it: what comes out of an alias has no line of its own.
    pub(super) fn line(&self, at: &KeyPath) -> Option<usize> {
        (0..=at.0.len()).rev().find_map(|length| self.0.get(&KeyPath(at.0[..length].to_vec())).copied())
    }

    fn note(&mut self, at: KeyPath, line: usize) -> KeyPath {
        self.0.entry(at.clone()).or_insert(line);
        at
    }
}

/// A mapping or list that is being read.
enum Open {
    Mapping {
        at: KeyPath,
        /// Where the next value stands, once its key is read.
        value: Option<KeyPath>,
    },
    List {
        at: KeyPath,
        next: usize,
    },
}

struct Outline {
    places: Places,
    open: Vec<Open>,
}

impl Outline {
    fn event(&mut self, event: Event<'_>, line: usize) {
        match event {
            Event::Scalar(text, ..) => match self.open.last_mut() {
                Some(Open::Mapping { at, value: value @ None }) => {
                    *value = Some(self.places.note(at.key(&text), line));
                }
                _ => drop(self.node(line)),
            },
            Event::Alias(_) => drop(self.node(line)),
            Event::MappingStart(..) => {
                let at = self.node(line);
                self.open.push(Open::Mapping { at, value: None });
            }
            Event::SequenceStart(..) => {
                let at = self.node(line);
                self.open.push(Open::List { at, next: 0 });
            }
            Event::MappingEnd | Event::SequenceEnd => drop(self.open.pop()),
            _ => {}
        }
    }

    /// Where the node that begins here stands. A mapping's values have the line of their key.
    fn node(&mut self, line: usize) -> KeyPath {
        match self.open.last_mut() {
            None => self.places.note(KeyPath::default(), line),
            Some(Open::Mapping { value, .. }) => value.take().unwrap_or_default(),
            Some(Open::List { at, next }) => {
                *next += 1;
                self.places.note(at.index(*next - 1), line)
            }
        }
    }
}
