//! Where a stranger reaches a client.

use std::fmt;
use std::str::FromStr;

/// A host, by name or IP address, and a port, as `nas:51413` or `[2001:db8::1]:51413`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAddress {
    /// Without brackets.
    pub host: String,
    /// Not 0.
    pub port: u16,
}

/// A text that is no host with a port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no host and port")]
pub struct ParsePeerError(String);

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl FromStr for PeerAddress {
    type Err = ParsePeerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParsePeerError(text.chars().take(80).collect());
        let (host, port) = text.rsplit_once(':').ok_or_else(refuse)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(refuse)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c) || bare.is_some() && c == ':';
        let host = bare.unwrap_or(host);
        if host.is_empty() || host.len() > 255 || !host.chars().all(allowed) {
            return Err(refuse());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_printed() {
        for text in ["nas:51413", "10.0.0.1:6881", "[2001:db8::1]:51413"] {
            assert_eq!(text.parse::<PeerAddress>().unwrap().to_string(), text);
        }
        for text in
            ["nas", "nas:", "nas:0", ":51413", "2001:db8::1:51413", "http://nas:51413", "a b:1", "nas:70000"]
        {
            assert!(text.parse::<PeerAddress>().is_err(), "{text}");
        }
    }
}
