//! What names of hosts stand for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use togusa_core::demand;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::foreign;

/// The addresses of a name. A static binary must not ask the C library, so `getent` is asked.
pub(crate) fn resolve(probe: &Probe<'_>, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    if host == "localhost" {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Ok(loopback.map(|address| SocketAddr::new(address, port)).to_vec());
    }
    demand!(!host.starts_with('-'), code::ADDRESS_FORM, "`{host}` is no name of a host");
    let getent = Exec::new("getent").args(["ahosts", host]).accept([0, 2]);
    let output = foreign::of_package(probe.query(&getent), "libc-bin")?;
    let text = output.stdout_text();
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for line in text.lines() {
        let address = line.split_whitespace().next().and_then(|address| address.parse().ok());
        addresses.extend(address.map(|address| SocketAddr::new(address, port)));
    }
    addresses.dedup();
    demand!(!addresses.is_empty(), code::NO_ADDRESS, "the name `{host}` has no address");
    Ok(addresses)
}
