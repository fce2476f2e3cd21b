//! Text -> the file's types. Every mistake is found, not only the first: serde stops at one, so that one is noted,
//! its node is cut out of the tree, and the rest is read again.

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use serde_yaml::Value;

use super::example;
use super::finding::{Collector, KeyPath, Step};
use super::tree::tree;

/// A configuration with more mistakes than this is something else.
const MAX_MISTAKES: usize = 100;

/// Reads the text. What could not be understood is missing from the file, and is a finding; `None` if too little
/// remains to say more.
pub(super) fn read<T: DeserializeOwned>(text: &str, findings: &mut Collector) -> Option<T> {
    let tree = tree(text, findings)?;
    // Where a mistake stands costs as much to know as all the rest.
    T::deserialize(&tree).ok().or_else(|| understand(tree, findings))
}

fn understand<T: DeserializeOwned>(mut tree: Value, findings: &mut Collector) -> Option<T> {
    for _ in 0..MAX_MISTAKES {
        let error = match serde_path_to_error::deserialize(&tree) {
            Ok(content) => return Some(content),
            Err(error) => error,
        };
        let at = key_path(error.path());
        let message = error.inner().to_string();
        let known = note(&at, &message, findings);
        if !cut_out(&mut tree, &at, known) {
            break;
        }
    }
    let text = "there are more mistakes than can be listed";
    let hint = "compare the file with `podseed config example`";
    findings.text_error((1, &KeyPath::default()), "config.type", text, hint);
    None
}

fn key_path(path: &serde_path_to_error::Path) -> KeyPath {
    let steps = path.iter().map_while(|segment| match segment {
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Seq { index } => Some(Step::Index(*index)),
        // A variant is the value of its key, not a node below it.
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    KeyPath(steps.collect())
}

/// Makes `null` of a known node, which every one of the file's types takes as "absent" (a client that is wrong in
/// itself still has its name), and removes an unknown one. False if there is nothing left to cut.
fn cut_out(tree: &mut Value, at: &KeyPath, known: bool) -> bool {
    let (last, above) = match at.0.split_last() {
        Some((Step::Key(key), above)) if !known => (Some(key), above),
        _ => (None, at.0.as_slice()),
    };
    let node = above.iter().try_fold(tree, |node, step| match step {
        Step::Key(key) => node.get_mut(key.as_str()),
        Step::Index(index) => node.get_mut(*index),
    });
    match (node, last) {
        (Some(node), Some(key)) => node.as_mapping_mut().is_some_and(|map| map.shift_remove(key).is_some()),
        (Some(node), None) => !std::mem::replace(node, Value::Null).is_null(),
        (None, _) => false,
    }
}

/// Puts serde's message into the user's words. What serde expected is in its text only, in back quotes: its error
/// type is the YAML library's. True if the key is known and its value wrong.
fn note(at: &KeyPath, message: &str, findings: &mut Collector) -> bool {
    let (found, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    if found.starts_with("unknown field ") {
        unknown_key(at, &known, findings);
        return false;
    }
    wrong_value(at, found, expected, &known, findings);
    true
}

fn wrong_value(at: &KeyPath, found: &str, expected: &str, known: &[&str], findings: &mut Collector) {
    if let Some(variant) = found.strip_prefix("unknown variant ") {
        let hint = match nearest(variant.trim_matches('`'), known) {
            Some(near) => format!("did you mean `{near}`? Known here: {}", known.join(", ")),
            None => format!("write one of: {}", known.join(", ")),
        };
        return findings.cut("config.value", at, format!("{variant} is not known here"), hint);
    }
    let hint = example::at(at).map_or_else(String::new, |example| format!("for example `{example}`"));
    let Some(kind) = found.strip_prefix("invalid type: ").or_else(|| found.strip_prefix("invalid value: "))
    else {
        return findings.cut("config.value", at, found, hint);
    };
    let text =
        format!("found {}, expected {}", found_in_words(kind, may_be_secret(at, kind)), in_words(expected));
    findings.cut("config.type", at, text, hint);
}

/// Who writes a password where its file should be named, or an address with a key in it at the wrong place, must
/// not read it in a log.
fn may_be_secret(at: &KeyPath, found: &str) -> bool {
    at.last_key().is_some_and(|key| key.starts_with("password") || key.starts_with("token"))
        || found.contains("://")
}

fn unknown_key(at: &KeyPath, known: &[&str], findings: &mut Collector) {
    let key = at.last_key().unwrap_or_default();
    if key == "token" && known.contains(&"token_file") {
        let hint = "write it into a file that only podseed's user may read and name that in `token_file`, or into an \
                    environment variable and name that in `token_env`";
        return findings.cut("config.inline_password", at, "a token must not stand in this file", hint);
    }
    if matches!(key, "password" | "pass" | "passwd") && known.contains(&"password_file") {
        let hint = "write it into a file that only podseed's user may read and name that in `password_file`, or \
                    into an environment variable and name that in `password_env`";
        return findings.cut("config.inline_password", at, "a password must not stand in this file", hint);
    }
    let hint = match nearest(key, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    };
    findings.cut("config.unknown_key", at, "unknown key", hint);
}

fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let similarity = |candidate: &str| strsim::jaro_winkler(&word.to_lowercase(), candidate);
    known
        .iter()
        .map(|candidate| (similarity(candidate), *candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

fn found_in_words(found: &str, secret: bool) -> String {
    let (kind, value) = found.split_once(' ').unwrap_or((found, ""));
    let (one, the) = match kind {
        "string" => ("a text", "the text"),
        "integer" | "floating" => ("a number", "the number"),
        "boolean" => ("a truth value", "the truth value"),
        "sequence" => return "a list".to_owned(),
        "map" => return "keys and values".to_owned(),
        "unit" => return "nothing".to_owned(),
        _ => return "something else".to_owned(),
    };
    if secret { one.to_owned() } else { format!("{the} {}", value.trim_start_matches("point ")) }
}

fn in_words(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a map" => "keys and values",
        "u32" => "a whole number, 0 or more",
        "f64" => "a number",
        // The YAML library's word for the text that names a variant.
        "a string" | "a Value::Tagged enum" => "a text",
        "a boolean" => "true or false",
        _ if expected.starts_with("struct ") => "keys and values",
        _ => expected,
    }
}
