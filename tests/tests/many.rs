//! One coordinator over 1,000 hosts, each simulated by a whole agent that hears and speaks in
//! memory, with a home directory of its own.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use nix::sys::resource::{Resource as Limit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use togusa::components::File;
use togusa_core::assets::{AssetStore, ProjectAssets};
use togusa_core::engine::transport::{Connection, Transport};
use togusa_core::engine::{Agent, BUILD, Options, deploy, serve};
use togusa_core::environment::{Environment, Host};
use togusa_core::event::{Event, Mode, Outcome, Summary};
use togusa_core::interrupt::Interrupt;
use togusa_core::model;
use togusa_core::prelude::*;
use togusa_core::problem::Problem;
use togusa_core::value::Table;

const HOSTS: usize = 1000;

/// How many hosts lie between two that provide a queue.
const GROUP: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Endpoint {
    address: Address,
}
impl Resource for Endpoint {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Queue {
    text: String,
}
impl Resource for Queue {}

/// On the first host alone.
#[derive(Debug, Attributes)]
struct Database {}

impl Component for Database {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(File::new("database").content("data\n"));
        scope.provide(Endpoint { address: scope.address(5432) });
        Ok(())
    }
}

/// On every hundredth host.
#[derive(Debug, Attributes)]
struct Queues {
    text: String,
    fails: bool,
}

impl Component for Queues {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        // A file cannot be written where no directory is.
        let path = if self.fails { "none/queue" } else { "queue" };
        scope.add(File::new(path).content(self.text.as_str()));
        scope.provide(Queue { text: self.text.clone() });
        Ok(())
    }
}

/// On every host.
#[derive(Debug, Attributes)]
struct Worker {
    queue: String,
}

impl Component for Worker {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let database = scope.require_one::<Endpoint>()?;
        let queue = scope.require::<Queue>().on(self.queue.as_str()).one()?;
        let text = format!("{} {} {}\n", scope.host(), database.address, queue.text);
        scope.add(File::new("worker").content(text));
        scope.on_change(&queue).add(Restart);
        Ok(())
    }
}

/// Counts in a file of the home directory how often it was due.
#[derive(Debug)]
struct Restart;

impl Component for Restart {
    fn update(&self, machine: &Machine<'_>) -> Result {
        let path = HostPath::new(&machine.host().name, "~/restarts");
        let before = match machine.entry(&path)? {
            Some(_) => machine.read_to_string(&path)?,
            None => String::new(),
        };
        machine.write(&path, &format!("{before}."), &Default::default())
    }
}

/// Starts an agent in a thread and is connected to it by a pair of sockets.
struct Simulated {
    registry: Arc<Registry>,
    homes: PathBuf,
}

impl Transport for Simulated {
    fn connect(&self, host: &Host, _: &dyn Fn(Event)) -> Result<Connection, Problem> {
        let home = self.homes.join(host.name.as_str());
        std::fs::create_dir_all(&home).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let registry = Arc::clone(&self.registry);
        let agent = Agent { registry, assets: None, home, build: BUILD.to_owned() };
        let agent = thread::spawn(move || {
            let streams = [&theirs, &theirs].map(|stream| Box::new(stream.try_clone().unwrap()));
            let [reader, writer] = streams;
            let served = serve(&agent, reader, writer);
            theirs.shutdown(Shutdown::Both).unwrap();
            served
        });
        Ok(Connection {
            reader: Box::new(ours.try_clone().unwrap()),
            writer: Box::new(ours),
            build: BUILD.to_owned(),
            ended: Box::new(move || agent.join().unwrap().err()),
        })
    }
}

/// A thousand hosts that last for a test.
struct Fleet {
    directory: TempDir,
}

fn name(number: usize) -> String {
    format!("host{number:03}")
}

/// The host whose queue a host works on.
fn queue_of(number: usize) -> usize {
    number / GROUP * GROUP
}

impl Fleet {
    fn environment(&self, changed: &BTreeMap<usize, &str>, failing: Option<usize>) -> Environment {
        let mut environment = Environment::new("fleet", "test");
        for number in 0..HOSTS {
            let mut host = Host::local(name(number), "~/target".to_owned());
            if number == 0 {
                host = host.with_root("database", Table::default());
            }
            if queue_of(number) == number {
                let mut attributes = Table::default();
                attributes.insert("text", *changed.get(&number).unwrap_or(&"v1"));
                attributes.insert("fails", failing == Some(number));
                host = host.with_root("queues", attributes);
            }
            let mut attributes = Table::default();
            attributes.insert("queue", name(queue_of(number)));
            environment = environment.with(host.with_root("worker", attributes));
        }
        environment
    }

    /// Deploys and gives what the roots came to, and how many components were changed.
    fn deploy(&self, environment: &Environment) -> (Summary, usize) {
        let registry = Registry::new()
            .with::<Database>("database")
            .with::<Queues>("queues")
            .with::<Worker>("worker");
        let assets = Arc::new(ProjectAssets::new(self.directory.path()));
        let model = model::configure(&registry, environment, &*assets).unwrap();
        let assets: Arc<dyn AssetStore> = assets;
        let homes = self.directory.path().to_owned();
        let transport: Arc<dyn Transport> =
            Arc::new(Simulated { registry: Arc::new(registry), homes });
        let mut changes = 0;
        let mut tell =
            |event| changes += usize::from(matches!(event, Event::ComponentChanged { .. }));
        let options = Options::new(Mode::Converge);
        let interrupt = Interrupt::default();
        let summary = deploy(&model, &transport, &assets, &options, &interrupt, &mut tell);
        (summary, changes)
    }

    fn read(&self, number: usize, path: &str) -> String {
        let path = self.directory.path().join(name(number)).join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

/// The numbers of the hosts whose worker ended so.
fn workers(summary: &Summary, is_it: impl Fn(&Outcome) -> bool) -> Vec<usize> {
    let workers = summary.roots.iter().filter(|(id, _)| id.0.root.as_str() == "worker");
    let found = workers.filter(|(_, root)| is_it(&root.outcome));
    found.map(|(id, _)| id.0.host.as_str()[4..].parse().unwrap()).collect()
}

#[test]
fn a_thousand_hosts_converge_and_a_failure_reaches_its_dependants_alone() {
    // Each host needs some open files, more in all than a process has by default.
    let (_, most) = getrlimit(Limit::RLIMIT_NOFILE).unwrap();
    setrlimit(Limit::RLIMIT_NOFILE, most, most).unwrap();
    let fleet = Fleet { directory: TempDir::new().unwrap() };

    let (summary, _) = fleet.deploy(&fleet.environment(&BTreeMap::new(), None));
    assert!(summary.is_success(), "{:?}", summary.failed_hosts);
    assert_eq!(workers(&summary, |outcome| *outcome == Outcome::Converged).len(), HOSTS);
    for number in 0..HOSTS {
        let text = format!("{} host000:5432 v1\n", name(number));
        assert_eq!(fleet.read(number, "target/work/worker/worker"), text);
    }

    let (summary, changes) = fleet.deploy(&fleet.environment(&BTreeMap::new(), None));
    assert!(summary.is_success());
    assert_eq!(changes, 0);

    // One queue is new, another cannot be made.
    let (new, failing) = (300, 500);
    let changed = BTreeMap::from([(new, "v2"), (failing, "v2")]);
    let (summary, _) = fleet.deploy(&fleet.environment(&changed, Some(failing)));
    assert!(!summary.is_success());
    let is_dependant = |outcome: &Outcome| matches!(outcome, Outcome::DependencyFailed { .. });
    let expected: Vec<_> = (failing..failing + GROUP).collect();
    assert_eq!(workers(&summary, is_dependant), expected);
    let converged = workers(&summary, |outcome| *outcome == Outcome::Converged);
    assert_eq!(converged.len(), HOSTS - GROUP);

    let (summary, changes) = fleet.deploy(&fleet.environment(&changed, None));
    assert!(summary.is_success());
    // The queue's file, and on each of its hosts the file of the worker and its restart.
    assert_eq!(changes, 1 + 2 * GROUP);
    for number in 0..HOSTS {
        let times = if [new, failing].contains(&queue_of(number)) { ".." } else { "." };
        assert_eq!(fleet.read(number, "restarts"), times, "{}", name(number));
    }
    let (_, changes) = fleet.deploy(&fleet.environment(&changed, None));
    assert_eq!(changes, 0);
}
