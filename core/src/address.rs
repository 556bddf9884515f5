//! Addresses: a host's name and a port, resolved only where something listens.

mod resolve;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize, Serializer};

use crate::template::render_time;

pub use resolve::resolve;

/// Whether an address family must be there, may be there, or is not looked for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// The name must have an address of this family.
    Required,
    /// An address of this family is used when there is one.
    #[default]
    Optional,
    /// Addresses of this family are not used.
    Off,
}

/// A name and a port to connect to; the name is kept as it is.
///
/// Prints as `name:port`, an IPv6 literal as `[addr]:port`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The name or literal address of the host.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A name and a port to listen on; the name is resolved after the model has settled.
///
/// In a template it prints as `ip:port`, the IPv4 address first; `.v4`, `.v6` and `.all` give the
/// single ones. `probe.addresses(…)` gives them to code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenAddress {
    /// The name or literal address of the host.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if minijinja::value::serializing_for_value() {
            return render_time::listen_value_of(self.clone()).serialize(serializer);
        }
        Address { host: self.host.clone(), port: self.port }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Address { host, port } = Address::deserialize(deserializer)?;
        Ok(Self { host, port })
    }
}

/// The addresses of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The IPv4 address, if one is used.
    pub v4: Option<Ipv4Addr>,
    /// The IPv6 address, if one is used.
    pub v6: Option<Ipv6Addr>,
}

impl Resolved {
    /// What stands for a name in an offline check, where nothing is resolved.
    pub fn placeholder() -> Self {
        Self { v4: Some(Ipv4Addr::UNSPECIFIED), v6: Some(Ipv6Addr::UNSPECIFIED) }
    }

    /// The addresses with a port, IPv4 first.
    pub fn with_port(&self, port: u16) -> Vec<SocketAddr> {
        let v4 = self.v4.map(IpAddr::V4);
        let v6 = self.v6.map(IpAddr::V6);
        v4.into_iter().chain(v6).map(|ip| SocketAddr::new(ip, port)).collect()
    }
}

/// The addresses of every name that is listened on.
pub type AddressTable = BTreeMap<String, Resolved>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_prints_in_brackets() {
        assert_eq!(
            Address { host: "2001:db8::1".into(), port: 80 }.to_string(),
            "[2001:db8::1]:80"
        );
        assert_eq!(Address { host: "web1".into(), port: 80 }.to_string(), "web1:80");
        let both = Resolved { v4: Some(Ipv4Addr::LOCALHOST), v6: Some(Ipv6Addr::LOCALHOST) };
        let printed: Vec<_> = both.with_port(80).iter().map(ToString::to_string).collect();
        assert_eq!(printed, ["127.0.0.1:80", "[::1]:80"]);
    }
}
