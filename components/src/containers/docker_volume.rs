//! Volumes.

use std::borrow::Cow;

use serde::Deserialize;
use togusa_core::fault;
use togusa_core::host::Snapshot;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::docker::{
    Pairs, check_name, check_pairs, docker, inspected, pair_args, pair_changes, run,
};

/// A volume of Docker: files that outlive the containers that use them.
///
/// | attribute | default |
/// |---|---|
/// | `driver` | `local` |
/// | `option` | none; of the driver, as `type`, `o` and `device` of `local` |
/// | `label` | none |
///
/// A volume cannot be changed once it is there. If driver, options or labels differ, that is an error
/// unless it may be [made anew](Self::recreate_losing_all_data).
///
/// `verify` reads all volumes of the host by one `docker volume inspect`. `update` creates or removes
/// it; one that a container uses is not removed.
///
/// **Needs**: `docker` and its daemon; root, or membership in the group `docker`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(DockerVolume::new("shop-data").label("backup", "daily"));
///     let exported = DockerVolume::new("films").option("type", "nfs");
///     scope.add(exported.option("o", "addr=10.0.0.5,ro").option("device", ":/films"));
///     scope.add(DockerVolume::new("shop-cache").absent_losing_all_data());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct DockerVolume {
    name: String,
    driver: String,
    options: Pairs,
    labels: Pairs,
    recreate: bool,
    absent: bool,
}

/// All volumes of the host.
struct Volumes(Vec<Volume>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volume {
    name: String,
    driver: String,
    options: Option<Pairs>,
    labels: Option<Pairs>,
}

impl Snapshot for Volumes {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        inspected(probe, "volume", &[]).map(Self)
    }
}

impl DockerVolume {
    /// A volume of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            driver: "local".into(),
            options: Pairs::new(),
            labels: Pairs::new(),
            recreate: false,
            absent: false,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets the driver.
    #[must_use]
    pub fn driver(mut self, name: impl Into<String>) -> Self {
        self.driver = name.into();
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

    /// Makes it anew, empty, if it is there with another driver, other options or labels.
    #[must_use]
    pub fn recreate_losing_all_data(mut self) -> Self {
        self.recreate = true;
        self
    }

    /// Removes it with all that it holds.
    #[must_use]
    pub fn absent_losing_all_data(mut self) -> Self {
        self.absent = true;
        self
    }

    fn changes(&self, volumes: &Volumes) -> Result<Vec<Change>> {
        let present = volumes.0.iter().find(|volume| volume.name == self.name);
        let Some(present) = present else {
            let created = (!self.absent).then(|| Change::create("volume"));
            return Ok(created.into_iter().collect());
        };
        if self.absent {
            return Ok(vec![Change::remove("volume with all its data")]);
        }
        let mut changes = Vec::new();
        if present.driver != self.driver {
            changes.push(Change::property("driver", &present.driver, &self.driver));
        }
        changes.extend(pair_changes("option", present.options.as_ref(), &self.options));
        changes.extend(pair_changes("label", present.labels.as_ref(), &self.labels));
        if !changes.is_empty() && !self.recreate {
            let all: Vec<_> = changes.iter().map(Change::to_string).collect();
            let name = &self.name;
            let all = all.join(", ");
            return Err(fault!(
                code::VOLUME_DIFFERS,
                "volume `{name}` is there with another {all}"
            ))
            .hint(
                "give it another name, or let it lose its data by `.recreate_losing_all_data()`",
            );
        }
        Ok(changes)
    }
}

impl Component for DockerVolume {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        check_name("volume", &self.name)?;
        check_pairs("an option", &self.options)?;
        check_pairs("a label", &self.labels)?;
        scope.manages("docker-volume", &self.name);
        scope.check_arguments(&docker(pair_args("--opt", &self.options)))
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Ok(self.changes(&*probe.snapshot::<Volumes>()?)?.into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let volumes = machine.snapshot::<Volumes>()?;
        let there = volumes.0.iter().any(|it| it.name == self.name);
        if self.changes(&volumes)?.is_empty() {
            // A trigger has come; it is no reason to lose what the volume holds.
            return Ok(());
        }
        machine.invalidate::<Volumes>();
        if there {
            run(machine, &docker(["volume", "rm", &self.name]))?;
        }
        if !self.absent {
            let create = docker(["volume", "create", "--driver", &self.driver]);
            let create = create.args(pair_args("--opt", &self.options));
            let create = create.args(pair_args("--label", &self.labels));
            run(machine, &create.arg(&self.name))?;
        }
        Ok(())
    }
}
