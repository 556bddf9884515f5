//! What the coordinator knows about the hosts: addresses, host keys, the way to them.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

use super::HOME;
use super::network::Place;
use super::spec::LabSpec;
use super::station::Station;

/// The files of the coordinator that tell about hosts, kept in step with the lab.
#[derive(Debug)]
pub(super) struct Directory {
    pub station: Station,
    entries: Mutex<Vec<Entry>>,
}

/// A host as the coordinator knows it.
#[derive(Debug)]
pub(super) struct Entry {
    name: String,
    place: Place,
    /// Whether its name leads to the slow line.
    pub is_slow: bool,
    /// Its public host key, if known.
    pub key: Option<String>,
}

impl Entry {
    pub(super) fn new(name: &str, place: &Place, key: String) -> Self {
        Self { name: name.to_owned(), place: place.clone(), is_slow: false, key: Some(key) }
    }

    fn resolved(&self) -> Ipv4Addr {
        if self.is_slow { self.place.slow_address } else { self.place.address }
    }

    fn known_host(&self) -> Option<String> {
        let Place { address, slow_address, .. } = &self.place;
        let key = self.key.as_ref()?;
        Some(format!("{},{address},{slow_address} {key}\n", self.name))
    }
}

impl Directory {
    pub(super) fn new(station: Station, spec: &LabSpec) -> Self {
        station.write("~/.ssh/config", config(spec));
        Self { station, entries: Mutex::default() }
    }

    pub(super) fn set(&self, entries: Vec<Entry>) {
        *self.entries.lock().unwrap_or_else(PoisonError::into_inner) = entries;
        self.change("", |_| {});
    }

    /// Changes what is known about one host.
    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter_mut().find(|entry| entry.name == name) {
            change(entry);
        }
        let known: String = entries.iter().filter_map(Entry::known_host).collect();
        self.station.write("~/.ssh/known_hosts", known);
        let mut hosts = "127.0.0.1 localhost\n".to_owned();
        for entry in entries.iter() {
            writeln!(hosts, "{} {}", entry.resolved(), entry.name).expect("a string can grow");
        }
        self.station.write("/etc/hosts", hosts);
    }
}

/// The user's `ssh_config`, complete in itself, so that it can also be given with `-F`.
fn config(spec: &LabSpec) -> String {
    let mut config = String::new();
    let mut add = |line: String| writeln!(config, "{line}").expect("a string can grow");
    for host in &spec.hosts {
        add(format!("Host {}\n    User {}", host.name, host.login_user()));
        if let Some(gateway) = &host.behind {
            add(format!("    ProxyJump {gateway}"));
        }
    }
    add("Host *".to_owned());
    add(format!("    IdentityFile {HOME}/.ssh/id_ed25519"));
    add(format!("    UserKnownHostsFile {HOME}/.ssh/known_hosts"));
    if spec.control_master {
        add("    ControlMaster auto".to_owned());
        add(format!("    ControlPath {HOME}/.ssh/%C"));
        add("    ControlPersist 60".to_owned());
    }
    config
}
