//! An environment as data: hosts, their roots, and how to reach them.
//!
//! The `environments` crate builds it from TOML; a test can build it by hand.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Family;
use crate::names::{HostName, RootName};
use crate::path::HostPath;
use crate::rollout::Rollout;
use crate::secret::Secret;
use crate::value::{Origin, Table};

/// A named set of hosts with the roots that each of them gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// The project's name; part of the default target directory.
    pub project: String,
    /// The environment's name.
    pub name: String,
    /// The hosts by name.
    pub hosts: BTreeMap<HostName, Host>,
    /// How names become addresses.
    pub addresses: AddressPolicy,
    /// Whether a deployment shows its plan and asks before it starts.
    pub confirm: bool,
    /// Whether the project's git tree must be clean and pushed.
    pub require_clean: bool,
    /// Whole files that are secret, by the name under which components ask for them.
    pub secret_files: BTreeMap<String, Secret<Vec<u8>>>,
    /// How components roll over their hosts, by component; those that are not here converge on all
    /// hosts at once.
    pub rollouts: BTreeMap<RootName, Rollout>,
    /// How long connections are kept for the next command; `None`: the default of the terminal.
    pub keep_connections: Option<Duration>,
}

/// One host and the roots that it gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// The host's name in the environment.
    pub name: HostName,
    /// The name or address to connect to and to put into addresses; default: the name.
    pub address: Option<String>,
    /// How the host is reached.
    pub connect: Connect,
    /// The SSH port; default: what ssh_config says.
    pub port: Option<u16>,
    /// The SSH login; default: what ssh_config says.
    pub user: Option<String>,
    /// Converge as this user, through sudo; default: the login user.
    pub service_user: Option<String>,
    /// Converge as root, through sudo.
    pub sudo: bool,
    /// An ssh_config file of the project's own.
    pub ssh_config: Option<String>,
    /// Where binaries and assets are kept on the host; default `~/.cache/togusa`.
    pub store: Option<String>,
    /// The target triple of the host's binary; default: found out when connecting.
    pub target: Option<String>,
    /// Where the deployment lies on the host, `~` unexpanded.
    pub target_directory: String,
    /// The host's platform, such as `debian`.
    pub platform: Option<String>,
    /// How many roots converge at once, at least 1.
    pub jobs: usize,
    /// How long opening a connection may take.
    pub timeout: Duration,
    /// A directory below which absolute targets are put, so that a developer's machine stays clean.
    pub sandbox: Option<String>,
    /// Free data for components.
    pub data: Table,
    /// The host stays in the model but is not connected to.
    pub ignore: bool,
    /// The roots in the order of the environment.
    pub roots: Vec<Root>,
    /// Where the host is written.
    pub origin: Option<Origin>,
}

/// How a host is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connect {
    /// By OpenSSH.
    #[default]
    Ssh,
    /// It is the machine that togusa runs on.
    Local,
}

/// A root that a host gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Root {
    /// The name under which the component is registered.
    pub name: RootName,
    /// The features asked for; empty: the component's default.
    pub features: Vec<String>,
    /// The root stays in the model but is not run.
    pub ignore: bool,
    /// What the environment sets, already merged over all its levels.
    pub attributes: Table,
    /// Where the root is written.
    pub origin: Option<Origin>,
}

/// How the names of hosts become addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressPolicy {
    /// Whether a name needs an IPv4 address; default: required.
    pub v4: Family,
    /// Whether a name needs an IPv6 address; default: optional.
    pub v6: Family,
    /// Addresses that win over what the resolver says.
    pub overrides: BTreeMap<String, Override>,
}

/// The addresses that an environment gives to a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The IPv4 address.
    pub v4: Option<Ipv4Addr>,
    /// The IPv6 address.
    pub v6: Option<Ipv6Addr>,
}

impl Default for AddressPolicy {
    fn default() -> Self {
        Self { v4: Family::Required, v6: Family::Optional, overrides: BTreeMap::new() }
    }
}

impl Environment {
    /// An environment without hosts.
    pub fn new(project: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            name: name.into(),
            hosts: BTreeMap::new(),
            addresses: AddressPolicy::default(),
            confirm: false,
            require_clean: false,
            secret_files: BTreeMap::new(),
            rollouts: BTreeMap::new(),
            keep_connections: None,
        }
    }

    /// Adds a host.
    pub fn with(mut self, host: Host) -> Self {
        self.hosts.insert(host.name.clone(), host);
        self
    }
}

impl Host {
    /// A local host with the given target directory and nothing else set.
    pub fn local(name: impl Into<HostName>, target_directory: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            address: None,
            connect: Connect::Local,
            port: None,
            user: None,
            service_user: None,
            sudo: false,
            ssh_config: None,
            store: None,
            target: None,
            target_directory: target_directory.into(),
            platform: None,
            jobs: 1,
            timeout: Duration::from_secs(10),
            sandbox: None,
            data: Table::default(),
            ignore: false,
            roots: Vec::new(),
            origin: None,
        }
    }

    /// Adds a root with the given attributes.
    pub fn with_root(mut self, name: impl Into<RootName>, attributes: Table) -> Self {
        self.roots.push(Root {
            name: name.into(),
            features: Vec::new(),
            ignore: false,
            attributes,
            origin: None,
        });
        self
    }

    /// The directory of a root: `TARGET/work/ROOT`.
    pub fn work_directory(&self, root: &RootName) -> HostPath {
        HostPath::new(&self.name, &self.target_directory).join("work").join(root.as_str())
    }

    /// The name or address that others use for this host.
    pub fn address(&self) -> &str {
        self.address.as_deref().unwrap_or(self.name.as_str())
    }
}
