//! The connections of the host over TCP, as `/proc` tells of them.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use togusa_core::prelude::*;

/// How many connections from this host to any of some addresses are open, or about to be.
pub(super) fn to(targets: &BTreeSet<SocketAddr>) -> Result<usize> {
    let mut count = 0;
    for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
        match fs::read_to_string(path) {
            Ok(text) => count += remotes(&text).filter(|remote| targets.contains(remote)).count(),
            // A system without IPv6 has no such file.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read `{path}`")),
        }
    }
    Ok(count)
}

/// The far ends of connections through which something may still be asked.
fn remotes(text: &str) -> impl Iterator<Item = SocketAddr> {
    text.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace().skip(2);
        let (remote, state) = (fields.next()?, fields.next()?);
        // Established, and SYN sent.
        ["01", "02"].contains(&state).then(|| address(remote)).flatten()
    })
}

/// An address as the kernel prints it: words of 32 bits as the machine sees them.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word =
        |at: usize| u32::from_str_radix(host.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let host = match host.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let mut bytes = [0; 16];
            for number in 0..4 {
                bytes[number * 4..][..4].copy_from_slice(&word(number * 8)?);
            }
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(host, port))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn far_ends_of_what_is_open_are_read() {
        let word = |bytes: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(bytes));
        let (here, there) = (word([127, 0, 0, 1]), word([10, 0, 0, 2]));
        let zero = word([0; 4]);
        let six = format!("{zero}{zero}{zero}{}", word([0, 0, 0, 1]));
        let mapped = format!("{zero}{zero}{}{there}", word([0, 0, 255, 255]));
        let text = format!(
            "  sl  local_address rem_address   st tx_queue rx_queue\n\
             0: {here}:1F90 {zero}:0000 0A 00000000:00000000\n\
             1: {here}:D431 {there}:1F90 01 00000000:00000000\n\
             2: {here}:D432 {there}:1F91 08 00000000:00000000\n\
             3: {six}:D433 {six}:0050 02 00000000:00000000\n\
             4: {six}:D434 {mapped}:0051 01 00000000:00000000\n\
             5: nonsense\n"
        );
        let told: Vec<_> = remotes(&text).map(|remote| remote.to_string()).collect();
        assert_eq!(told, ["10.0.0.2:8080", "[::1]:80", "10.0.0.2:81"]);
    }

    #[test]
    fn a_connection_of_this_host_is_counted_while_it_is_open() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = BTreeSet::from([listener.local_addr().unwrap()]);
        assert_eq!(to(&target).unwrap(), 0);
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(to(&target).unwrap(), 1);
        drop(client);
        assert_eq!(to(&target).unwrap(), 0);
    }
}
