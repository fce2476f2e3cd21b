//! Passwords: read from the file or the environment variable that the configuration names. Nothing here prints
//! what it has read, nor the message of an error that could contain it.

use std::io::Read as _;
use std::path::Path;

use super::context::Context;
use super::finding::KeyPath;
use crate::secret::Secret;

/// The finding of a password that is named and cannot be read.
pub(super) const UNREADABLE: &str = "config.secret";

/// Longer than any password, shorter than a file that was named by mistake.
const MAX_PASSWORD: u64 = 4096;

/// The two keys by which a password, or a token, is named.
pub(super) struct Named {
    /// What the keys begin with: `password` or `token`.
    pub word: &'static str,
    /// `password_file`.
    pub file: Option<String>,
    /// `password_env`.
    pub variable: Option<String>,
}

impl Named {
    /// `password_file` and `password_env`.
    pub(super) fn password(file: Option<String>, variable: Option<String>) -> Self {
        Self { word: "password", file, variable }
    }

    /// `token_file` and `token_env`.
    pub(super) fn token(file: Option<String>, variable: Option<String>) -> Self {
        Self { word: "token", file, variable }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.file.is_none() && self.variable.is_none()
    }

    /// The password, if one is named; `None` also after a finding.
    pub(super) fn read(self, below: &KeyPath, context: &mut Context<'_>) -> Option<Secret> {
        let word = self.word;
        let (file_key, variable_key) = (format!("{word}_file"), format!("{word}_env"));
        match (self.file, self.variable) {
            (Some(_), Some(_)) => {
                let at = below.key(&variable_key);
                let text = format!("there is a `{file_key}`, too");
                context.findings.error("config.two_passwords", &at, text, "keep one of them");
                None
            }
            (Some(file), None) => from_file(&context.resolve(&file), word, &below.key(&file_key), context),
            (None, Some(variable)) => from_variable(&variable, &file_key, &below.key(&variable_key), context),
            (None, None) => None,
        }
    }
}

fn from_variable(variable: &str, file_key: &str, at: &KeyPath, context: &mut Context<'_>) -> Option<Secret> {
    let value = (context.variables)(variable).filter(|value| !value.is_empty());
    if value.is_none() {
        let text = format!("the environment variable `{variable}` is not set");
        context.findings.error(
            UNREADABLE,
            at,
            text,
            format!("set it where podseed is started, or use `{file_key}`"),
        );
    }
    value.map(Secret::new)
}

fn from_file(path: &Path, word: &str, at: &KeyPath, context: &mut Context<'_>) -> Option<Secret> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| {
        let public = is_public(&file);
        file.take(MAX_PASSWORD + 1).read_to_end(&mut bytes).map(|size| (size as u64, public))
    });
    let shown = path.display();
    let wrong = match read {
        Err(error) => (
            format!("{shown} cannot be read: {error}"),
            format!("it holds the {word} in one line and belongs to podseed's user, mode 600"),
        ),
        Ok((size, _)) if size > MAX_PASSWORD => {
            (format!("{shown} is too long for a {word}"), "name the right file".to_owned())
        }
        Ok((_, public)) => {
            if public {
                let text = format!("{shown} can be read by every user of this machine");
                context.findings.warning("config.public_secret", at, text, format!("chmod 600 {shown}"));
            }
            match String::from_utf8(bytes).map(|text| text.trim_end_matches(['\r', '\n']).to_owned()) {
                Ok(password) if !password.is_empty() => return Some(Secret::new(password)),
                Ok(_) => (format!("{shown} is empty"), format!("write the {word} into it, in one line")),
                Err(_) => {
                    (format!("{shown} is not UTF-8 text"), format!("write the {word} into it, in one line"))
                }
            }
        }
    };
    context.findings.error(UNREADABLE, at, wrong.0, wrong.1);
    None
}

#[cfg(unix)]
fn is_public(file: &std::fs::File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_public(_: &std::fs::File) -> bool {
    false
}
