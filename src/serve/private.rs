//! Who may see what is not for everybody: `/metrics` and `/status.json` name shows that are not published, files and
//! errors.
//!
//! They are answered to the addresses that the user has named, and to nobody by way of a proxy: a proxy on the same
//! machine would make everybody a neighbour. No header can give a right; there are headers that take it.

use std::net::IpAddr;

use axum::http::header::HOST;
use axum::http::{HeaderMap, Version};
use ipnet::IpNet;

/// What proxies add, each of them some.
const ADDED_BY_PROXIES: [&str; 8] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "cf-connecting-ip",
];

/// Whether who is connected from `peer` may see it.
pub(super) fn may_see(peer: IpAddr, version: Version, headers: &HeaderMap, allowed: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    // nginx before 1.29.7 adds nothing that it was not told to, and speaks HTTP/1.0.
    let proxied =
        version < Version::HTTP_11 || ADDED_BY_PROXIES.iter().any(|name| headers.contains_key(*name));
    !proxied
        && allowed.iter().any(|network| network.contains(&peer))
        && (!peer.is_loopback() || is_local(headers))
}

/// A page from elsewhere in a browser on this machine can have its own name lead here (DNS rebinding); then the browser
/// says that name.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let Ok(authority) = host.parse::<axum::http::uri::Authority>() else { return false };
    let name = authority.host().trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(peer: &str, headers: &[(&'static str, &str)], allowed: &[&str]) -> bool {
        let mut map = HeaderMap::new();
        map.insert(HOST, "127.0.0.1:8090".parse().unwrap());
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let allowed: Vec<_> = allowed.iter().map(|network| network.parse().unwrap()).collect();
        may_see(peer.parse().unwrap(), Version::HTTP_11, &map, &allowed)
    }

    const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

    #[test]
    fn it_is_for_those_who_are_named_and_for_nobody_behind_a_proxy() {
        assert!(ask("127.0.0.1", &[], &LOOPBACK));
        assert!(ask("::1", &[], &LOOPBACK));
        assert!(ask("::ffff:127.0.0.1", &[], &LOOPBACK), "an IPv6 socket names IPv4 peers so");
        assert!(!ask("192.0.2.1", &[], &LOOPBACK));
        assert!(!ask("127.0.0.1", &[], &[]));
        assert!(ask("192.0.2.1", &[], &["192.0.2.0/24"]));
        for header in ADDED_BY_PROXIES {
            assert!(!ask("127.0.0.1", &[(header, "127.0.0.1")], &LOOPBACK), "{header}");
        }
        assert!(!ask("192.0.2.1", &[("x-forwarded-for", "127.0.0.1")], &LOOPBACK), "no header gives a right");
    }

    #[test]
    fn a_strange_name_that_leads_to_this_machine_is_told_nothing() {
        assert!(!ask("127.0.0.1", &[("host", "rebound.example")], &LOOPBACK));
        for host in ["localhost", "LOCALHOST:8090", "[::1]:8090", "127.0.0.1"] {
            assert!(ask("127.0.0.1", &[("host", host)], &LOOPBACK), "{host}");
        }
        assert!(
            ask("172.18.0.5", &[("host", "podseed:8090")], &["172.16.0.0/12"]),
            "a container's name is fine"
        );
    }
}
