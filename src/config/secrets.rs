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

/// The two keys by which a password is named.
pub(super) struct Named {
    /// `password_file`.
    pub file: Option<String>,
    /// `password_env`.
    pub variable: Option<String>,
}

impl Named {
    pub(super) fn is_empty(&self) -> bool {
        self.file.is_none() && self.variable.is_none()
    }

    /// The password, if one is named; `None` also after a finding.
    pub(super) fn read(self, below: &KeyPath, context: &mut Context<'_>) -> Option<Secret> {
        match (self.file, self.variable) {
            (Some(_), Some(_)) => {
                let at = below.key("password_env");
                let text = "there is a `password_file`, too";
                context.findings.error("config.two_passwords", &at, text, "keep one of them");
                None
            }
            (Some(file), None) => from_file(&context.resolve(&file), &below.key("password_file"), context),
            (None, Some(variable)) => from_variable(&variable, &below.key("password_env"), context),
            (None, None) => None,
        }
    }
}

fn from_variable(variable: &str, at: &KeyPath, context: &mut Context<'_>) -> Option<Secret> {
    let value = (context.variables)(variable).filter(|value| !value.is_empty());
    if value.is_none() {
        let text = format!("the environment variable `{variable}` is not set");
        context.findings.error(
            UNREADABLE,
            at,
            text,
            "set it where podseed is started, or use `password_file`",
        );
    }
    value.map(Secret::new)
}

fn from_file(path: &Path, at: &KeyPath, context: &mut Context<'_>) -> Option<Secret> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| {
        let public = is_public(&file);
        file.take(MAX_PASSWORD + 1).read_to_end(&mut bytes).map(|size| (size as u64, public))
    });
    let shown = path.display();
    let wrong = match read {
        Err(error) => (
            format!("{shown} cannot be read: {error}"),
            "it holds the password in one line and belongs to podseed's user, mode 600",
        ),
        Ok((size, _)) if size > MAX_PASSWORD => {
            (format!("{shown} is too long for a password"), "name the right file")
        }
        Ok((_, public)) => {
            if public {
                let text = format!("{shown} can be read by every user of this machine");
                context.findings.warning("config.public_secret", at, text, format!("chmod 600 {shown}"));
            }
            match String::from_utf8(bytes).map(|text| text.trim_end_matches(['\r', '\n']).to_owned()) {
                Ok(password) if !password.is_empty() => return Some(Secret::new(password)),
                Ok(_) => (format!("{shown} is empty"), "write the password into it, in one line"),
                Err(_) => (format!("{shown} is not UTF-8 text"), "write the password into it, in one line"),
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
