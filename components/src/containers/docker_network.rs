//! Networks.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use togusa_core::demand;
use togusa_core::host::Snapshot;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::docker::{
    Pairs, ask, check_name, check_pairs, docker, inspected, pair_args, pair_changes, run,
};

/// A network of Docker, in which containers find each other by name.
///
/// | attribute | default |
/// |---|---|
/// | `driver` | `bridge` |
/// | `subnet`, `gateway` | Docker chooses, and whatever is there is right |
/// | `internal` | no; else it leads nowhere else |
/// | `ipv6` | no |
/// | `option` | none; of the driver, as `com.docker.network.bridge.name` |
/// | `label` | none |
///
/// A network cannot be changed once it is there. If something differs it is made anew: containers that
/// are connected are taken out of it, and connected again by their names; an address or an alias
/// that somebody gave one of them there is lost.
///
/// `verify` reads all networks of the host by one `docker network inspect`. `update` creates, makes anew
/// or removes it; one with running containers is not removed.
///
/// **Needs**: `docker` and its daemon; root, or membership in the group `docker`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(DockerNetwork::new("shop").subnet("10.9.0.0/24").gateway("10.9.0.1"));
///     scope.add(DockerNetwork::new("shop-db").internal());
///     scope.add(DockerNetwork::new("former").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct DockerNetwork {
    name: String,
    driver: String,
    subnet: Option<String>,
    gateway: Option<String>,
    internal: bool,
    ipv6: bool,
    options: Pairs,
    labels: Pairs,
    absent: bool,
}

/// All networks of the host.
struct Networks(Vec<Network>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    name: String,
    driver: String,
    #[serde(rename = "EnableIPv6")]
    ipv6: bool,
    internal: bool,
    #[serde(rename = "IPAM")]
    addresses: Addresses,
    options: Option<Pairs>,
    labels: Option<Pairs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Addresses {
    /// `null` of `host` and `none`.
    config: Option<Vec<BTreeMap<String, serde_json::Value>>>,
}

impl Snapshot for Networks {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        inspected(probe, "network", &["--no-trunc"]).map(Self)
    }
}

impl Networks {
    fn get(&self, name: &str) -> Option<&Network> {
        self.0.iter().find(|network| network.name == name)
    }
}

impl Network {
    /// What is said of its addresses: `Subnet`, `Gateway`.
    fn told(&self, what: &str) -> Vec<&str> {
        let all = self.addresses.config.iter().flatten();
        all.filter_map(|config| config.get(what)?.as_str()).collect()
    }
}

impl DockerNetwork {
    /// A network of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            driver: "bridge".into(),
            subnet: None,
            gateway: None,
            internal: false,
            ipv6: false,
            options: Pairs::new(),
            labels: Pairs::new(),
            absent: false,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets the driver, such as `macvlan`.
    #[must_use]
    pub fn driver(mut self, name: impl Into<String>) -> Self {
        self.driver = name.into();
        self
    }

    /// Sets its addresses, such as `10.9.0.0/24`.
    #[must_use]
    pub fn subnet(mut self, subnet: impl Into<String>) -> Self {
        self.subnet = Some(subnet.into());
        self
    }

    /// Sets the address of the host in it.
    #[must_use]
    pub fn gateway(mut self, address: impl Into<String>) -> Self {
        self.gateway = Some(address.into());
        self
    }

    /// Lets containers reach nothing else by it.
    #[must_use]
    pub fn internal(mut self) -> Self {
        self.internal = true;
        self
    }

    /// Gives containers addresses of IPv6 too.
    #[must_use]
    pub fn ipv6(mut self) -> Self {
        self.ipv6 = true;
        self
    }

    /// Sets an option of the driver; may be given several times.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.options.insert(name.into(), value.to_string());
        self
    }

    /// Sets a label; may be given several times.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.labels.insert(name.into(), value.to_string());
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn changes(&self, networks: &Networks) -> Vec<Change> {
        let present = networks.get(&self.name);
        let Some(present) = present else {
            return (!self.absent).then(|| Change::create("network")).into_iter().collect();
        };
        if self.absent {
            return vec![Change::remove("network")];
        }
        let mut changes = Vec::new();
        if present.driver != self.driver {
            changes.push(Change::property("driver", &present.driver, &self.driver));
        }
        for (what, key, wanted) in
            [("subnet", "Subnet", &self.subnet), ("gateway", "Gateway", &self.gateway)]
        {
            let Some(wanted) = wanted else { continue };
            let told = present.told(key);
            if !told.contains(&&**wanted) {
                let told = if told.is_empty() { "none".into() } else { told.join(", ") };
                changes.push(Change::property(what, told, wanted));
            }
        }
        let word = |yes: bool| if yes { "yes" } else { "no" };
        for (what, present, wanted) in
            [("internal", present.internal, self.internal), ("ipv6", present.ipv6, self.ipv6)]
        {
            if present != wanted {
                changes.push(Change::property(what, word(present), word(wanted)));
            }
        }
        changes.extend(pair_changes("option", present.options.as_ref(), &self.options));
        changes.extend(pair_changes("label", present.labels.as_ref(), &self.labels));
        changes
    }

    fn create(&self) -> Exec {
        let mut create = docker(["network", "create", "--driver", &self.driver]);
        for (option, value) in [("--subnet", &self.subnet), ("--gateway", &self.gateway)] {
            if let Some(value) = value {
                create = create.args([option, value]);
            }
        }
        for (option, asked) in [("--internal", self.internal), ("--ipv6", self.ipv6)] {
            create = if asked { create.arg(option) } else { create };
        }
        let create = create.args(pair_args("--opt", &self.options));
        create.args(pair_args("--label", &self.labels)).arg(&self.name)
    }
}

impl Component for DockerNetwork {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        check_name("network", &self.name)?;
        let own = ["bridge", "host", "none"].contains(&&*self.name);
        demand!(!own, code::NOT_A_NAME, "the network `{}` is Docker's own", self.name);
        demand!(
            self.gateway.is_none() || self.subnet.is_some(),
            code::OPTION_MISSING,
            "a gateway needs the subnet that it lies in"
        );
        check_pairs("an option", &self.options)?;
        check_pairs("a label", &self.labels)?;
        scope.manages("docker-network", &self.name);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Ok(self.changes(&*probe.snapshot::<Networks>()?).into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let networks = machine.snapshot::<Networks>()?;
        let there = networks.get(&self.name).is_some();
        if self.changes(&networks).is_empty() {
            // A trigger has come; it is no reason to take containers out of the network.
            return Ok(());
        }
        machine.invalidate::<Networks>();
        let name = &*self.name;
        let mut connected = Vec::new();
        if there {
            let filter = format!("network={name}");
            let list = ["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"];
            if !self.absent {
                let listed = ask(machine, &docker(list))?.stdout_text();
                connected.extend(listed.split_whitespace().map(str::to_owned));
            }
            for container in &connected {
                run(machine, &docker(["network", "disconnect", "--force", name, container]))?;
            }
            run(machine, &docker(["network", "rm", name]))?;
        }
        let made = || {
            if !self.absent {
                run(machine, &self.create())?;
            }
            for container in &connected {
                run(machine, &docker(["network", "connect", name, container]))?;
            }
            Ok(())
        };
        let made: Result = made();
        if connected.is_empty() {
            return made;
        }
        made.with_context(|| {
            format!("network `{name}` was taken out of these containers: {}", connected.join(", "))
        })
        .hint("containers of the model are put back by the next run; connect others by hand")
    }
}
