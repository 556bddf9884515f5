//! What a check connects to.

use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use togusa_core::demand;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::resolved::resolve;
use crate::waiting::Seen;

/// A host and a port to connect to: `8080` for this host, `"db:5432"`, or an address of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Written as `host:port`; an IPv6 address stands in brackets.
    Text(String),
    /// A name and a port.
    Address(Address),
    /// What the host itself listens on.
    Listen(ListenAddress),
}

impl Target {
    /// Host and port.
    pub(super) fn parts(&self) -> Result<(String, u16)> {
        let text = match self {
            Self::Text(text) => text,
            Self::Address(address) => return Ok((address.host.clone(), address.port)),
            Self::Listen(address) => return Ok((address.host.clone(), address.port)),
        };
        let (host, port) = split(text);
        let port = port.and_then(|port| port.parse().ok()).filter(|port| *port > 0);
        let port = port.with_context(|| format!("`{text}` has no port")).code(code::ADDRESS_FORM);
        let port = port.hint("write it as `host:port`, an IPv6 address as `[::1]:port`")?;
        demand!(!host.is_empty(), code::ADDRESS_FORM, "`{text}` has no host");
        Ok((host.to_owned(), port))
    }

    /// All addresses that it stands for, on the host that is looked at.
    fn addresses(&self, probe: &Probe<'_>) -> Result<Vec<SocketAddr>> {
        if let Self::Listen(address) = self {
            let known = probe.addresses(address);
            if !known.is_empty() {
                return Ok(known);
            }
        }
        let (host, port) = self.parts()?;
        resolve(probe, &host, port)
    }

    /// Tries once to connect, to each of them until one answers, which is given.
    pub(super) fn connect(&self, probe: &Probe<'_>, attempt: Duration) -> Result<Seen<SocketAddr>> {
        let mut last = String::new();
        for address in self.addresses(probe)? {
            match TcpStream::connect_timeout(&address, attempt) {
                Ok(_) => return Ok(Ok(address)),
                Err(error) => {
                    let told = if last.is_empty() { "" } else { ", " };
                    last += &format!("{told}{address}: {}", reason(&error));
                }
            }
        }
        Ok(Err(last))
    }
}

/// What the system says, without its number.
pub(super) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

/// Host and port of a text; the host without brackets.
pub(super) fn split(text: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Address(address) => address.fmt(f),
            Self::Listen(ListenAddress { host, port }) => {
                Address { host: host.clone(), port: *port }.fmt(f)
            }
        }
    }
}

impl From<u16> for Target {
    fn from(port: u16) -> Self {
        Self::Text(format!("localhost:{port}"))
    }
}

impl From<&str> for Target {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Target {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Address> for Target {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

impl From<&Address> for Target {
    fn from(address: &Address) -> Self {
        Self::Address(address.clone())
    }
}

impl From<ListenAddress> for Target {
    fn from(address: ListenAddress) -> Self {
        Self::Listen(address)
    }
}

impl From<&ListenAddress> for Target {
    fn from(address: &ListenAddress) -> Self {
        Self::Listen(address.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_host_and_port() {
        let parts = |target: Target| target.parts().map_err(|error| format!("{error:#}"));
        assert_eq!(parts(8080.into()), Ok(("localhost".into(), 8080)));
        assert_eq!(parts("db:5432".into()), Ok(("db".into(), 5432)));
        assert_eq!(parts("[::1]:80".into()), Ok(("::1".into(), 80)));
        for wrong in ["db", "db:", "db:x", "db:0", "db:65536", "::1", "[::1]"] {
            let error = parts(wrong.into()).unwrap_err();
            assert!(error.contains(&format!("`{wrong}` has no port")), "{error}");
        }
        assert!(parts(":80".into()).unwrap_err().contains("has no host"));
        let address = Address { host: "::1".into(), port: 80 };
        assert_eq!(Target::from(address).to_string(), "[::1]:80");
    }
}
