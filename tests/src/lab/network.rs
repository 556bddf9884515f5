//! The networks of a lab: one of the coordinator and most hosts, and one behind each gateway.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::spec::HostSpec;
use super::station::Station;

/// Where a host is in the network.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub address: Ipv4Addr,
    /// The other address, under which the coordinator reaches it through a slow line.
    pub slow_address: Ipv4Addr,
    /// The coordinator's end of its line.
    pub line: String,
}

/// Says for every host where it is.
///
/// Addresses are those that are reserved for documentation and benchmarks.
pub(super) fn places(hosts: &[HostSpec]) -> BTreeMap<String, Place> {
    assert!(hosts.len() <= 250, "a lab has room for 250 hosts");
    let mut places = BTreeMap::new();
    for (host, number) in hosts.iter().zip(1_u8..) {
        let address = match network_behind(hosts, host.behind.as_deref()) {
            Some(network) => Ipv4Addr::new(198, 18, network, number),
            None => Ipv4Addr::new(192, 0, 2, number),
        };
        let slow_address = Ipv4Addr::new(198, 51, 100, number);
        let place = Place { address, slow_address, line: format!("line{number}") };
        let double = places.insert(host.name.clone(), place);
        assert!(double.is_none(), "two hosts have the name `{}`", host.name);
    }
    places
}

/// The number of the network behind a gateway: the gateway's own, counted from 1.
fn network_behind(hosts: &[HostSpec], gateway: Option<&str>) -> Option<u8> {
    let gateway = gateway?;
    let network = hosts.iter().zip(1..).find(|(host, _)| host.name == gateway);
    let Some((_, network)) = network else { panic!("there is no host `{gateway}` to be behind") };
    Some(network)
}

/// Makes the networks and a namespace of it for every host.
pub(super) fn set_up(hosts: &[HostSpec], places: &BTreeMap<String, Place>, at: &Station) {
    let mut here = String::new();
    let mut there = String::new();
    bridge(&mut here, "net0");
    line(&mut here, "addr add 192.0.2.254/24 dev net0");
    line(&mut here, "link set lo up");
    for (host, number) in hosts.iter().zip(1_u8..) {
        let Place { address, line: far, .. } = &places[&host.name];
        let name = &host.name;
        let network = network_behind(hosts, host.behind.as_deref()).unwrap_or(0);
        line(&mut here, &format!("link add {far} type veth peer name eth0 netns {name}"));
        let mut batch = String::new();
        line(&mut batch, "link set lo up");
        line(&mut batch, &format!("addr add {address}/24 dev eth0"));
        line(&mut batch, "link set eth0 up");
        if hosts.iter().any(|other| other.behind.as_deref() == Some(name)) {
            bridge(&mut here, &format!("net{number}"));
            line(
                &mut here,
                &format!("link add gate{number} type veth peer name eth1 netns {name}"),
            );
            attach(&mut here, &format!("gate{number}"), number);
            line(&mut batch, &format!("addr add 198.18.{number}.254/24 dev eth1"));
            line(&mut batch, "link set eth1 up");
        }
        attach(&mut here, far, network);
        write!(there, "ip -n {name} -batch - <<'END'\n{batch}END\n").expect("a string can grow");
    }
    // Bridges first: a gateway may stand behind those that it serves.
    let (bridges, rest): (Vec<_>, Vec<_>) =
        here.lines().partition(|line| line.contains(" type bridge"));
    let here = [bridges, rest].concat().join("\n");
    let names: Vec<_> = hosts.iter().map(|host| host.name.as_str()).collect();
    at.sh(&format!(
        "for name in {}; do ip netns add $name; done\nip -batch - <<'END'\n{here}\nEND\n{there}",
        names.join(" ")
    ));
}

fn bridge(batch: &mut String, name: &str) {
    line(batch, &format!("link add {name} type bridge"));
    line(batch, &format!("link set {name} up"));
}

fn attach(batch: &mut String, end: &str, network: u8) {
    line(batch, &format!("link set {end} master net{network} up"));
}

fn line(batch: &mut String, command: &str) {
    batch.push_str(command);
    batch.push('\n');
}
