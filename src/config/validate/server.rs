//! `server`: where the daemon listens, and to whom it tells what.

use ipnet::IpNet;
use url::Url;

use super::super::Server;
use super::super::context::Context;
use super::super::file::{self, List};
use super::super::finding::KeyPath;

const DEFAULT_CONNECTIONS: u32 = 512;
/// Each may need two files to be open, and systems often grant a process no more than 1,024.
const MOST_CONNECTIONS: u32 = 10_000;

/// This machine.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

pub(super) fn server(
    written: file::Server,
    base_url: Option<&Url>,
    context: &mut Context<'_>,
) -> Option<Server> {
    let at = KeyPath::default().key("server");
    let listen = listen(written.listen, &at, context);
    let base_path = match written.base_path {
        Some(text) => base_path(&text, &at.key("base_path"), context),
        None => base_url.map_or("/", |url| url.path()).to_owned(),
    };
    let connections = written.connections.unwrap_or(DEFAULT_CONNECTIONS);
    if !(1..=MOST_CONNECTIONS).contains(&connections) {
        let text = format!("{connections} connections at a time make no sense");
        let hint = format!("write a number from 1 to {MOST_CONNECTIONS}");
        context.findings.error("config.value", &at.key("connections"), text, hint);
    }
    let private = private(written.private, &at.key("private"), context);
    Some(Server { listen: listen?, base_path, connections: connections as usize, private })
}

fn listen(written: Option<String>, at: &KeyPath, context: &mut Context<'_>) -> Option<std::net::SocketAddr> {
    let Some(text) = written else {
        context.findings.missing(at, "has no `listen`", "for example `listen: 127.0.0.1:8090`");
        return None;
    };
    let listen = text.trim().replace("localhost:", "127.0.0.1:").parse().ok();
    if listen.is_none() {
        let hint =
            "write an IP address and a port, such as 127.0.0.1:8090 (this machine) or 0.0.0.0:8090 (all)";
        let text = format!("`{text}` is nothing to listen on");
        context.findings.error("config.value", &at.key("listen"), text, hint);
    }
    listen
}

/// With a slash at both ends.
fn base_path(text: &str, at: &KeyPath, context: &mut Context<'_>) -> String {
    let bare = text.trim().trim_matches('/');
    let is_path = bare.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\\"<>".contains(&byte));
    if !is_path || bare.split('/').any(|segment| bare.len() > 1 && matches!(segment, "" | "." | "..")) {
        let text = format!("`{}` is no path of an address", text.escape_debug());
        context.findings.error("config.value", at, text, "write it as `/podcasts/`, or `/` for none");
    }
    if bare.is_empty() { "/".to_owned() } else { format!("/{bare}/") }
}

fn private(written: Option<List<String>>, at: &KeyPath, context: &mut Context<'_>) -> Vec<IpNet> {
    let Some(written) = written else {
        return LOOPBACK.iter().filter_map(|network| network.parse().ok()).collect();
    };
    let mut networks = Vec::new();
    for (number, text) in written.into_iter().enumerate() {
        let Some(text) = text else { continue };
        let text = text.trim();
        // One address alone is a network of one.
        let network = text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
        match network {
            Ok(network) => networks.push(network),
            Err(_) => context.findings.error(
                "config.value",
                &at.index(number),
                format!("`{}` is no network", text.escape_debug()),
                "write an address, or a network as 192.168.1.0/24",
            ),
        }
    }
    networks
}
