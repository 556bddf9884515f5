//! One run of a harness, and what came of it.

use std::sync::Arc;

use crate::assets::{AssetStore, ProjectAssets};
use crate::engine::transport::{Connection, InProcess, Transport};
use crate::engine::{Options, deploy};
use crate::environment::Host;
use crate::event::{Event, Summary};
use crate::host::Staged;
use crate::interrupt::Interrupt;
use crate::model::Model;
use crate::names::HostName;
use crate::problem::{Problem, code};
use crate::registry::Registry;

use super::Harness;
use super::text::{self, Masks};

/// What came of a run.
///
/// As text, it is the changes of each root with all their differences, then what failed, and how
/// each root ended; the same whenever the same is done, wherever the test runs: meant for
/// `insta::assert_snapshot!`. `~` stands for the homes of hosts.
#[derive(Debug)]
pub struct Run {
    /// All events, in the order in which they came.
    pub events: Vec<Event>,
    /// What every root came to.
    pub summary: Summary,
    pub(super) masks: Masks,
}

impl Run {
    /// Fails the test if a root did not reach what was asked of it.
    ///
    /// # Panics
    /// A root failed.
    #[track_caller]
    pub fn assert_success(&self) -> &Self {
        assert!(self.summary.is_success(), "the run failed:\n\n{self}");
        self
    }

    /// Fails the test if anything was changed or would be, or failed.
    ///
    /// # Panics
    /// Something was changed.
    #[track_caller]
    pub fn assert_unchanged(&self) -> &Self {
        self.assert_success();
        assert!(self.changes().is_empty(), "nothing was to change, but it did:\n\n{self}");
        self
    }

    /// Fails the test unless the run failed, and what it tells of that holds a text.
    ///
    /// # Panics
    /// It succeeded, or failed of something else.
    #[track_caller]
    pub fn assert_failed_with(&self, text: &str) -> &Self {
        assert!(!self.summary.is_success(), "the run was to fail of `{text}`, but:\n\n{self}");
        let told = self.failures().join("\n");
        assert!(told.contains(text), "the run was to fail of `{text}`, but:\n\n{self}");
        self
    }

    /// What was changed or would be, one text for each component: its breadcrumb, then a line for
    /// each difference and each cause.
    pub fn changes(&self) -> Vec<String> {
        self.events.iter().filter_map(text::change).collect()
    }

    /// What went wrong, one text for each component or host.
    pub fn failures(&self) -> Vec<String> {
        let failures = self.events.iter().filter_map(|event| match event {
            Event::ComponentFailed { root, problem, .. } => Some(format!("{root}: {problem}")),
            Event::HostFailed { host, problem } => Some(format!("{host}: {problem}")),
            _ => None,
        });
        failures.collect()
    }
}

/// Agents in this process, each with a home of its own.
pub(super) struct Homes {
    agents: Vec<(HostName, Staged, InProcess)>,
}

impl Transport for Homes {
    fn connect(&self, host: &Host, _: &dyn Fn(Event)) -> Result<Connection, Problem> {
        let agent = self.agents.iter().find(|(name, ..)| *name == host.name);
        let (_, staged, agent) = agent.ok_or_else(|| {
            Problem::new(code::UNKNOWN_HOST, format!("the harness has no host `{}`", host.name))
        })?;
        agent.connect_staged(host, staged.clone())
    }
}

impl Homes {
    pub(super) fn new(harness: &Harness, assets: &Arc<dyn AssetStore>) -> Self {
        let registry: Arc<Registry> = Arc::new(harness.registry.clone());
        let hosts = harness.environment.hosts.values().filter(|host| !host.ignore);
        let agents = hosts.map(|host| {
            let home = harness.home(&host.name);
            std::fs::create_dir_all(&home)
                .unwrap_or_else(|error| panic!("cannot make `{}`: {error}", home.display()));
            let staged = harness.stage.of_host(&host.name, &harness.staged(), &home);
            let (registry, assets) = (Arc::clone(&registry), Arc::clone(assets));
            (host.name.clone(), staged, InProcess { registry, assets, home })
        });
        Self { agents: agents.collect() }
    }
}

pub(super) fn run(
    harness: &Harness,
    model: &Model,
    assets: Arc<ProjectAssets>,
    options: &Options,
    interrupt: &Interrupt,
    watch: &dyn Fn(&Event),
) -> Run {
    *harness.lock_secrets() = Arc::clone(&model.secrets);
    let assets: Arc<dyn AssetStore> = assets;
    let transport: Arc<dyn Transport> = Arc::new(Homes::new(harness, &assets));
    let mut events = Vec::new();
    let mut tell = |event| {
        watch(&event);
        events.push(event);
    };
    let summary = deploy(model, &transport, &assets, options, interrupt, &mut tell);
    Run { events, summary, masks: harness.masks() }
}
