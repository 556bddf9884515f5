//! Containers as Docker tells them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use togusa_core::host::Snapshot;
use togusa_core::prelude::*;

use crate::containers::docker::{Pairs, inspected};

/// All containers of the host, also those that do not run.
pub(super) struct Containers(Vec<State>);

/// What `docker container inspect` tells of one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct State {
    /// With a slash before it.
    name: String,
    /// The id of the image.
    pub(super) image: String,
    #[serde(rename = "State")]
    process: Process,
    pub(super) restart_count: u64,
    host_config: HostConfig,
    #[serde(default)]
    mounts: Vec<Mounted>,
    pub(super) config: Config,
    network_settings: NetworkSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Process {
    status: String,
    exit_code: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HostConfig {
    port_bindings: Option<BTreeMap<String, Option<Vec<Binding>>>>,
    restart_policy: RestartPolicy,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Binding {
    host_ip: String,
    host_port: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RestartPolicy {
    name: String,
    maximum_retry_count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Mounted {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    source: String,
    destination: String,
    #[serde(rename = "RW")]
    writable: bool,
}

/// What it was created with, image and all.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Config {
    pub(super) image: String,
    pub(super) user: String,
    pub(super) working_dir: String,
    pub(super) hostname: String,
    pub(super) env: Option<Vec<String>>,
    pub(super) cmd: Option<Vec<String>>,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) labels: Option<Pairs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    networks: BTreeMap<String, serde_json::Value>,
}

impl Snapshot for Containers {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        inspected(probe, "container", &["--all", "--no-trunc"]).map(Self)
    }
}

impl Containers {
    pub(super) fn get(&self, name: &str) -> Option<&State> {
        self.0.iter().find(|state| state.name.strip_prefix('/').unwrap_or(&state.name) == name)
    }
}

impl State {
    /// `running`, `exited`, `paused`, …
    pub(super) fn status(&self) -> &str {
        &self.process.status
    }

    /// Whether nothing of it runs, nor will by itself.
    pub(super) fn rests(&self) -> bool {
        matches!(self.status(), "created" | "exited" | "dead")
    }

    /// In words, for messages.
    pub(super) fn told(&self) -> String {
        match self.status() {
            "exited" => format!("exited with {}", self.process.exit_code),
            status => status.to_owned(),
        }
    }

    /// The ports that are published, as they are written for it.
    pub(super) fn ports(&self) -> BTreeSet<String> {
        let bindings = self.host_config.port_bindings.iter().flatten();
        let each = bindings.flat_map(|(port, bindings)| {
            let bindings = bindings.iter().flatten();
            bindings.map(move |binding| match &*binding.host_ip {
                "" | "0.0.0.0" => format!("{}:{port}", binding.host_port),
                ip if ip.contains(':') => format!("[{ip}]:{}:{port}", binding.host_port),
                ip => format!("{ip}:{}:{port}", binding.host_port),
            })
        });
        each.collect()
    }

    /// What lies in it from outside, but for volumes without a name, which its image asks for.
    pub(super) fn mounts(&self) -> BTreeSet<String> {
        let nameless = |name: &str| name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit());
        let mounts = self.mounts.iter().filter(|it| it.kind != "volume" || !nameless(&it.name));
        let told = mounts.map(|it| {
            let source = if it.kind == "volume" { &it.name } else { &it.source };
            let read_only = if it.writable { "" } else { " read-only" };
            format!("{source} on {}{read_only}", it.destination)
        });
        told.collect()
    }

    pub(super) fn networks(&self) -> BTreeSet<&str> {
        self.network_settings.networks.keys().map(String::as_str).collect()
    }

    /// When it is started again, as it is written for it.
    pub(super) fn restart(&self) -> String {
        let policy = &self.host_config.restart_policy;
        match (&*policy.name, policy.maximum_retry_count) {
            ("", _) => "no".into(),
            (name, 0) => name.into(),
            (name, count) => format!("{name}:{count}"),
        }
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.config.labels.as_ref()?.get(name).map(String::as_str)
    }

    /// The value of a variable.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        let mut all = self.config.env.iter().flatten();
        all.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }
}
