//! The address guard: a feed is hostile, and must not make podseed ask machines that only podseed can reach.
//!
//! Names are resolved here and the checked addresses are the ones connected to, so a name that changes its mind
//! between check and connection (DNS rebinding) gains nothing. Literal addresses never reach a resolver and are
//! checked before the request; `Url` has already brought every spelling (`0x7f.1`, `2130706433`) into one form.
//!
//! Through a proxy (`HTTP_PROXY` and the like) it is the proxy that resolves and connects. What this machine can
//! see is still checked: literals, and names that resolve here. The proxy's own host may have a private address,
//! and for just that reason no URL may name it.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;
use url::{Host, Url};

use super::Error;
use crate::secret::SafeUrl;

/// The variables in which reqwest looks for proxies.
const PROXY_VARIABLES: [&str; 6] =
    ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// A host and port as a URL names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    host: Host<String>,
    port: u16,
}

impl Endpoint {
    pub(super) fn of(url: &Url) -> Option<Self> {
        Some(Self { host: url.host()?.to_owned(), port: url.port_or_known_default()? })
    }
}

/// An address that is not reachable for everybody.
#[derive(Debug, thiserror::Error)]
#[error("the address {0} is not a public one")]
pub(super) struct Refused(pub(super) IpAddr);

/// Decides which addresses may be asked.
pub(super) struct Guard {
    off: bool,
    proxies: Arc<[String]>,
}

impl Guard {
    pub(super) fn new(off: bool) -> Self {
        let proxies = PROXY_VARIABLES.iter().filter_map(|name| proxy_host(&std::env::var(name).ok()?));
        Self { off, proxies: proxies.collect() }
    }

    pub(super) fn is_off(&self) -> bool {
        self.off
    }

    pub(super) fn resolver(&self) -> Resolver {
        Resolver { off: self.off, proxies: Arc::clone(&self.proxies) }
    }

    /// Checks what the resolver does not get to see.
    pub(super) async fn check(&self, url: &Url) -> Result<(), Error> {
        if self.off {
            return Ok(());
        }
        let addresses: Vec<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            // A name that only the proxy can resolve is the proxy's to judge.
            Some(Host::Domain(name)) if !self.proxies.is_empty() => {
                lookup(name).await.unwrap_or_default().iter().map(SocketAddr::ip).collect()
            }
            Some(Host::Domain(_)) | None => Vec::new(),
        };
        match addresses.into_iter().find(|address| !is_public(*address)) {
            Some(address) => Err(Error::RefusedAddress { url: SafeUrl::from(url.clone()), address }),
            None => Ok(()),
        }
    }

    /// Where the host of a URL with a port is to be reached, for what does not go through the HTTP client. Of a name
    /// with public and other addresses, the public ones.
    pub(super) async fn addresses(&self, url: &Url, trusted: bool) -> Result<Vec<SocketAddr>, Error> {
        let unknown = |source| Error::Resolve { url: SafeUrl::from(url.clone()), source };
        let port = url.port_or_known_default().ok_or_else(|| unknown(ErrorKind::InvalidInput.into()))?;
        let mut addresses: Vec<SocketAddr> = match url.host() {
            Some(Host::Ipv4(address)) => vec![(address, port).into()],
            Some(Host::Ipv6(address)) => vec![(address, port).into()],
            Some(Host::Domain(name)) => lookup_host((name, port)).await.map_err(unknown)?.collect(),
            None => Vec::new(),
        };
        let first = addresses.first().ok_or_else(|| unknown(ErrorKind::NotFound.into()))?.ip();
        if !self.off && !trusted {
            addresses.retain(|address| is_public(address.ip()));
        }
        if addresses.is_empty() {
            return Err(Error::RefusedAddress { url: SafeUrl::from(url.clone()), address: first });
        }
        Ok(addresses)
    }
}

fn proxy_host(value: &str) -> Option<String> {
    // `proxy:3128` without a scheme is customary.
    let value = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    Some(Url::parse(&value).ok()?.host_str()?.to_owned())
}

async fn lookup(name: &str) -> std::io::Result<Vec<SocketAddr>> {
    Ok(lookup_host((name, 0)).await?.collect())
}

/// Resolves names to public addresses only.
pub(super) struct Resolver {
    off: bool,
    proxies: Arc<[String]>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let unguarded = self.off || self.proxies.iter().any(|proxy| proxy == name.as_str());
        Box::pin(async move {
            let mut addresses = lookup(name.as_str()).await?;
            if !unguarded {
                let first = addresses.first().map(SocketAddr::ip);
                addresses.retain(|address| is_public(address.ip()));
                if let (true, Some(address)) = (addresses.is_empty(), first) {
                    return Err(Box::new(Refused(address)) as Box<dyn StdError + Send + Sync>);
                }
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is for everybody: neither private nor special (IANA's special-purpose registries, as of
/// RFC 6890 and its updates), also when it hides in an IPv6 address that is translated to IPv4.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    // Azure answers virtual machines with their secrets from this one, which looks like any other.
    const AZURE_METADATA: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    let special = match address.octets() {
        // This network; private; shared (CGNAT, and Alibaba's metadata); loopback; link-local and metadata.
        [0 | 10 | 127, ..] | [100, 64..=127, ..] | [169, 254, ..] => true,
        [172, 16..=31, ..] | [192, 168, ..] => true,
        // Protocol assignments (and Oracle's metadata), 6to4 relays, benchmarks, documentation.
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => true,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        // Multicast, reserved, broadcast.
        [224..=255, ..] => true,
        _ => false,
    };
    !special && address != AZURE_METADATA
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // IPv4-mapped, NAT64 (RFC 6052) and 6to4 lead to an IPv4 address.
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocol assignments (Teredo among them) and documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Only 2000::/3 is handed out; loopback, unique-local, link-local, multicast and the rest are outside.
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_pass() {
        for text in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn private_and_special_addresses_do_not_pass() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[tokio::test]
    async fn literals_are_refused_in_every_spelling() {
        let guard = Guard { off: false, proxies: [].into() };
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "127.0.0.1.",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[0:0:0:0:0:ffff:7f00:1]",
            "169.254.169.254",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
        ] {
            let url = Url::parse(&format!("http://{host}/x")).unwrap();
            assert!(matches!(guard.check(&url).await, Err(Error::RefusedAddress { .. })), "{host}");
        }
    }

    #[tokio::test]
    async fn addresses_for_other_protocols_are_checked_too() {
        let guard = Guard { off: false, proxies: [].into() };
        for host in ["127.0.0.1", "[::1]", "localhost", "169.254.169.254", "0x7f000001"] {
            let url = Url::parse(&format!("udp://{host}:6969/announce")).unwrap();
            let refused = guard.addresses(&url, false).await;
            assert!(matches!(refused, Err(Error::RefusedAddress { .. })), "{host}: {refused:?}");
            assert!(!guard.addresses(&url, true).await.unwrap().is_empty(), "{host}");
        }
        let public =
            guard.addresses(&Url::parse("udp://1.1.1.1:6969/announce").unwrap(), false).await.unwrap();
        assert_eq!(public, ["1.1.1.1:6969".parse().unwrap()]);
        for unusable in ["udp://1.1.1.1/announce", "udp:///announce", "udp:x"] {
            let url = Url::parse(unusable).unwrap();
            assert!(matches!(guard.addresses(&url, true).await, Err(Error::Resolve { .. })), "{unusable}");
        }
    }

    #[tokio::test]
    async fn a_proxy_is_reached_but_cannot_be_named() {
        let guard = Guard { off: false, proxies: [proxy_host("localhost:3128").unwrap()].into() };
        assert!(guard.resolver().resolve("localhost".parse().unwrap()).await.is_ok());
        let url = Url::parse("http://localhost:631/").unwrap();
        assert!(matches!(guard.check(&url).await, Err(Error::RefusedAddress { .. })));
    }
}
