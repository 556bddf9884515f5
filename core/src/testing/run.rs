//! One run of a harness, and what came of it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use crate::assets::{AssetStore, ProjectAssets};
use crate::attributes::{AttributeSchema, Attributes, Reader, SourceLocation};
use crate::component::{Component, Result};
use crate::engine::transport::{Connection, InProcess, Transport};
use crate::engine::{Options, deploy};
use crate::environment::Host;
use crate::event::{Event, Summary};
use crate::interrupt::Interrupt;
use crate::model::Model;
use crate::names::HostName;
use crate::problem::{Problem, code};
use crate::registry::Registry;
use crate::resource::Resource;
use crate::scope::Scope;
use crate::secret::{Secret, revealing, take_out};

use super::Harness;

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// All events, in the order in which they came.
    pub events: Vec<Event>,
    /// What every root came to.
    pub summary: Summary,
}

impl Run {
    /// Fails the test if a root did not reach what was asked of it.
    ///
    /// # Panics
    /// A root failed.
    pub fn assert_success(&self) {
        assert!(self.summary.is_success(), "the run failed:\n{}", self.failures().join("\n"));
    }

    /// What was changed or would be, one text for each component: its breadcrumb, then a line for
    /// each difference and each cause.
    pub fn changes(&self) -> Vec<String> {
        let changes = self.events.iter().filter_map(|event| match event {
            Event::ComponentChanged { root, breadcrumb, changes, triggered_by, .. } => {
                let mut text = format!("{root}: {breadcrumb}");
                for change in changes {
                    let _ = write!(text, "\n  {} {change}", change.symbol());
                }
                for cause in triggered_by {
                    let _ = write!(text, "\n  triggered by {cause}");
                }
                Some(text)
            }
            Event::ComponentUnknown { root, breadcrumb, .. } => {
                Some(format!("{root}: {breadcrumb}\n  ? unknown until applied"))
            }
            _ => None,
        });
        changes.collect()
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
struct Homes {
    registry: Arc<Registry>,
    assets: Arc<dyn AssetStore>,
    directory: PathBuf,
}

impl Transport for Homes {
    fn connect(&self, host: &Host, tell: &dyn Fn(Event)) -> Result<Connection, Problem> {
        let home = self.directory.join(host.name.as_str());
        std::fs::create_dir_all(&home)
            .map_err(|error| Problem::new(code::THIS_MACHINE, error.to_string()))?;
        let (registry, assets) = (Arc::clone(&self.registry), Arc::clone(&self.assets));
        InProcess { registry, assets, home }.connect(host, tell)
    }
}

pub(super) fn run(
    harness: &Harness,
    model: &Model,
    registry: &Arc<Registry>,
    assets: Arc<ProjectAssets>,
    options: &Options,
    interrupt: &Interrupt,
) -> Run {
    let directory = harness.home(&HostName::new(""));
    let assets: Arc<dyn AssetStore> = assets;
    let (registry, shared) = (Arc::clone(registry), Arc::clone(&assets));
    let transport: Arc<dyn Transport> = Arc::new(Homes { registry, assets: shared, directory });
    let mut events = Vec::new();
    let mut tell = |event| events.push(event);
    let summary = deploy(model, &transport, &assets, options, interrupt, &mut tell);
    Run { events, summary }
}

/// A root that provides a value given by a test.
#[derive(Debug)]
struct Given<R>(Option<R>);

impl<R: Resource> Component for Given<R> {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        if let Some(value) = self.0.take() {
            scope.offer(value);
        }
        Ok(())
    }
}

impl<R: Resource> Attributes for Given<R> {
    fn schema() -> Vec<AttributeSchema> {
        Vec::new()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let json: Secret = reader.required("json")?;
        Some(Self(serde_json::from_str(json.expose()).ok()))
    }

    fn source() -> SourceLocation {
        SourceLocation {
            crate_name: env!("CARGO_PKG_NAME"),
            manifest_dir: env!("CARGO_MANIFEST_DIR"),
            file: file!(),
            embedded: &[],
        }
    }
}

/// Adds a host `given` with a root that provides the value.
pub(super) fn provide<R: Resource>(mut harness: Harness, value: R) -> Harness {
    let number = harness.environment.hosts.get("given").map_or(0, |host| host.roots.len());
    let name = format!("given-{number}");
    let json = revealing(|| serde_json::to_string(&value))
        .unwrap_or_else(|error| panic!("a resource must be writable as JSON: {error}"));
    harness.registry = harness.registry.with::<Given<R>>(name.as_str());
    let target = harness.target(&"given".into());
    let hosts = &mut harness.environment.hosts;
    let host = hosts.entry("given".into()).or_insert_with(|| Host::local("given", target));
    let mut attributes = crate::value::Table::default();
    match take_out(&json) {
        None => attributes.insert("json", json),
        Some(_) => attributes.insert("json", Secret::new(json)),
    }
    *host = host.clone().with_root(name, attributes);
    harness
}
