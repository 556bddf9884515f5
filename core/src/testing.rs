//! The test harness for authors of components.
//!
//! Hosts are temporary directories; the model, the hand-over and the engine are the real ones.
//!
//! | what a test needs | how it says so |
//! |---|---|
//! | hosts and what they get | [`Harness::host`], [`Harness::set`], [`Harness::features`], [`Harness::data`], [`Harness::platform`] |
//! | a value that another root would provide | [`Harness::provide`] |
//! | a root that requires what the tested one provides | [`Harness::require`], [`Harness::provided`] |
//! | no real programs | [`Harness::fake`], [`Harness::only_fakes`], [`Harness::calls`] |
//! | what a deployment comes to | [`Harness::assert_converges`], [`Harness::assert_fails_with`], [`Run`] |
//! | what would be changed, as a snapshot | [`Harness::plan`], whose [`Run`] is shown as text |
//! | that drift is seen and mended | [`Harness::assert_mends`], [`Harness::drifts`] |
//! | what rollouts ask | [`Harness::assert_healthy`], [`Harness::assert_unhealthy`], [`Harness::assert_drains`], [`Harness::drain`], [`Harness::restore`] |
//! | rollouts | [`Harness::rollout`] |
//!
//! ```
//! use togusa_core::prelude::*;
//! use togusa_core::testing::Harness;
//!
//! #[derive(Debug, Attributes)]
//! struct Greeting {
//!     #[attribute(default = "hello")]
//!     text: String,
//! }
//!
//! impl Component for Greeting {
//!     fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
//!         let path = HostPath::new(&probe.host().name, "~/greeting");
//!         Ok(Verdict::expect(probe.entry(&path)?.is_some(), Change::create("greeting")))
//!     }
//!
//!     fn update(&self, machine: &Machine<'_>) -> Result {
//!         let path = HostPath::new(&machine.host().name, "~/greeting");
//!         machine.write(&path, &self.text, &Default::default())
//!     }
//! }
//!
//! let harness = Harness::new(Registry::new().with::<Greeting>("greeting")).host("web", ["greeting"]);
//! harness.assert_converges();
//! assert_eq!(harness.read("web", "~/greeting"), "hello");
//! ```

mod asserts;
mod call;
mod calls;
mod drift;
mod fake;
mod given;
mod run;
mod stage;
mod text;
mod tree;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use crate::assets::ProjectAssets;
use crate::environment::{Connect, Environment, Host, Root};
use crate::event::{Event, Mode};
use crate::host::Facts;
use crate::interrupt::Interrupt;
use crate::model::{self, Model};
use crate::names::{HostName, RootId, RootName};
use crate::problem::Problems;
use crate::registry::Registry;
use crate::rollout::Rollout;
use crate::secret::{KnownSecrets, Secret};
use crate::value::{Table, Value};

pub use call::{Call, Calls};
pub use drift::{Drift, Drifts};
pub use fake::{Answer, Answers, Fake};
pub use run::Run;

use stage::Stage;

/// An environment whose hosts are temporary directories, removed when this is dropped.
#[derive(Debug)]
pub struct Harness {
    registry: Registry,
    environment: Environment,
    project: PathBuf,
    stage: Stage,
    /// The secrets of the last model that was run.
    secrets: Mutex<Arc<KnownSecrets>>,
    directory: TempDir,
}

impl Harness {
    /// A harness without hosts.
    ///
    /// # Panics
    /// No temporary directory can be made.
    #[expect(clippy::expect_used, reason = "a test that cannot begin must fail")]
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            environment: Environment::new("test", "test"),
            project: crate::system::current_directory().unwrap_or_default(),
            stage: Stage::default(),
            secrets: Mutex::default(),
            directory: TempDir::new().expect("a temporary directory for the hosts of a test"),
        }
    }

    /// Uses an environment made elsewhere, such as one read from TOML, in place of the hosts that
    /// there are; its hosts become local ones in directories of the harness.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        let names: Vec<_> = self.environment.hosts.keys().cloned().collect();
        for name in names {
            let target = self.target(&name);
            if let Some(host) = self.environment.hosts.get_mut(&name) {
                host.target_directory = target;
                host.connect = Connect::Local;
            }
        }
        self
    }

    /// Reads assets below this directory instead of the one that the test runs in.
    #[must_use]
    pub fn project(mut self, directory: impl Into<PathBuf>) -> Self {
        self.project = directory.into();
        self
    }

    /// Adds a host with the named roots, or the roots to a host that is there.
    #[must_use]
    pub fn host<'a>(mut self, name: &str, roots: impl IntoIterator<Item = &'a str>) -> Self {
        let target = self.target(&name.into());
        let hosts = &mut self.environment.hosts;
        let host = hosts.entry(name.into()).or_insert_with(|| Host::local(name, target));
        for root in roots {
            *host = host.clone().with_root(root, Table::default());
        }
        self
    }

    /// Sets an attribute of a root on one host.
    ///
    /// # Panics
    /// There is no such root.
    #[must_use]
    #[track_caller]
    pub fn set(mut self, host: &str, root: &str, name: &str, value: impl Into<Value>) -> Self {
        self.root_mut(host, root).attributes.insert(name, value);
        self
    }

    /// Sets the features of a root on one host.
    ///
    /// # Panics
    /// There is no such root.
    #[must_use]
    #[track_caller]
    pub fn features<'a>(
        mut self,
        host: &str,
        root: &str,
        features: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let features = features.into_iter().map(str::to_owned).collect();
        self.root_mut(host, root).features = features;
        self
    }

    /// Sets the platform of a host.
    ///
    /// # Panics
    /// There is no such host.
    #[must_use]
    pub fn platform(self, host: &str, platform: &str) -> Self {
        self.with_host(host, |host| host.platform = Some(platform.to_owned()))
    }

    /// Sets a value of a host's data.
    ///
    /// # Panics
    /// There is no such host.
    #[must_use]
    #[track_caller]
    pub fn data(self, host: &str, name: &str, value: impl Into<Value>) -> Self {
        self.with_host(host, |host| host.data.insert(name, value))
    }

    /// Puts the absolute paths of a host's components below `~/sandbox`.
    ///
    /// # Panics
    /// There is no such host.
    #[must_use]
    pub fn sandbox(self, host: &str) -> Self {
        self.with_host(host, |host| host.sandbox = Some("~/sandbox".to_owned()))
    }

    /// Changes what a host is: its memory, its cores. Without this, facts are those of the machine
    /// that the test runs on.
    ///
    /// # Panics
    /// There is no such host.
    #[must_use]
    #[track_caller]
    pub fn facts(mut self, host: &str, change: impl FnOnce(&mut Facts)) -> Self {
        let name = self.host_mut(host).name.clone();
        change(self.stage.facts(&name));
        self
    }

    /// Changes a host of the environment.
    ///
    /// # Panics
    /// There is no such host.
    #[must_use]
    #[track_caller]
    pub fn with_host(mut self, host: &str, change: impl FnOnce(&mut Host)) -> Self {
        change(self.host_mut(host));
        self
    }

    /// Sets how a component rolls over its hosts; `None`: it converges on all at once.
    #[must_use]
    pub fn rollout(mut self, component: &str, rollout: impl Into<Option<Rollout>>) -> Self {
        let component = RootName::from(component);
        match rollout.into() {
            Some(rollout) => drop(self.environment.rollouts.insert(component, rollout)),
            None => drop(self.environment.rollouts.remove(&component)),
        }
        self
    }

    /// Adds a secret file to the environment. Secret attributes are [`set`](Self::set):
    /// `harness.set("web", "app", "password", Secret::new("…"))`.
    #[must_use]
    pub fn secret_file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        let content = Secret::new(content.into());
        self.environment.secret_files.insert(name.to_owned(), content);
        self
    }

    /// Replaces the registry: the same environment with other components.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Lets a [`Fake`] answer in the place of a program, on all hosts of this harness; a name alone
    /// stands for a fake that succeeds at everything. It takes the place of one that was there.
    ///
    /// As soon as there are fakes, nothing becomes another user: a command that a component runs as
    /// one runs as who runs the test, and its [`Call`] tells which user that was.
    #[must_use]
    pub fn fake(mut self, fake: impl Into<Fake>) -> Self {
        self.stage.fake(fake.into());
        self
    }

    /// Refuses every program that is not faked, by an error that names it. Scripts find nothing else
    /// either.
    #[must_use]
    pub fn only_fakes(mut self) -> Self {
        self.stage.only_fakes();
        self
    }

    /// Lets these programs run all the same, such as `sh`.
    #[must_use]
    pub fn allow<'a>(mut self, programs: impl IntoIterator<Item = &'a str>) -> Self {
        programs.into_iter().for_each(|program| self.stage.allow(program));
        self
    }

    // No closure panics here: its place would be told instead of that of the test.
    #[track_caller]
    fn host_mut(&mut self, name: &str) -> &mut Host {
        let hosts = &mut self.environment.hosts;
        let known: Vec<_> = hosts.keys().map(|host| format!("`{host}`")).collect();
        let Some(host) = hosts.get_mut(name) else {
            panic!("the harness has no host `{name}`; it has {}", listed(&known))
        };
        host
    }

    #[track_caller]
    fn root_mut(&mut self, host: &str, root: &str) -> &mut Root {
        let roots = &mut self.host_mut(host).roots;
        let known: Vec<_> = roots.iter().map(|root| format!("`{}`", root.name)).collect();
        let mut roots = roots.iter_mut();
        let Some(root) = roots.find(|known| known.name.as_str() == root) else {
            panic!(
                "the host `{host}` of the harness has no root `{root}`; it has {}",
                listed(&known)
            )
        };
        root
    }

    fn target(&self, host: &HostName) -> String {
        self.home(host).join("target").display().to_string()
    }

    /// Where fakes and their records lie; no host has such a name.
    fn staged(&self) -> PathBuf {
        self.directory.path().join(".staged")
    }

    /// How often a component has rebooted a host. Nothing is: the run goes on as if the host were back,
    /// and the command is run if it is faked.
    pub fn reboots(&self, host: &str) -> u64 {
        self.stage.reboots(&host.into())
    }

    /// The home directory of a host: what `~` stands for there.
    pub fn home(&self, host: &HostName) -> PathBuf {
        self.directory.path().join(host.as_str())
    }

    /// The target directory of a host.
    pub fn target_directory(&self, host: &str) -> PathBuf {
        self.home(&host.into()).join("target")
    }

    /// The work directory of a root.
    pub fn work_directory(&self, host: &str, root: &str) -> PathBuf {
        self.target_directory(host).join("work").join(root)
    }

    /// A path on a host as a real one: below its home for `~/…`, as it is if it is absolute, and
    /// else below the work directories: `ROOT/…`.
    pub fn local(&self, host: &str, path: &str) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(below) => self.home(&host.into()).join(below),
            None => self.target_directory(host).join("work").join(path),
        }
    }

    /// The text of a file on a host; its path as for [`local`](Self::local).
    ///
    /// # Panics
    /// There is no such file, or it is no text.
    #[track_caller]
    pub fn read(&self, host: &str, path: &str) -> String {
        let path = self.local(host, path);
        match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => panic!("cannot read `{}`: {error}", path.display()),
        }
    }

    /// How a fake was called so far, with secrets masked.
    pub fn calls(&self, program: &str) -> Calls {
        self.all_calls().filter(|call| call.program == program)
    }

    /// How all fakes were called so far, with secrets masked.
    pub fn all_calls(&self) -> Calls {
        let secrets = self.lock_secrets().clone();
        self.revealed_calls().into_iter().map(|call| call.masked(&secrets)).collect()
    }

    /// How all fakes were called so far, secrets and all.
    pub fn revealed_calls(&self) -> Calls {
        let calls = stage::recorded(&self.staged()).into_iter();
        calls
            .map(|call| {
                let home = self.home(&call.host);
                call.with_home(&home)
            })
            .collect()
    }

    /// Forgets how fakes were called; what they remember for their answers stays.
    pub fn forget_calls(&self) {
        stage::forget(&self.staged());
    }

    fn lock_secrets(&self) -> std::sync::MutexGuard<'_, Arc<KnownSecrets>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Configures the model.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn configure(&self) -> Result<Model, Problems> {
        model::configure_twice(&self.registry, &self.environment, &self.assets())
    }

    /// The model as text: each root with its components as they were configured, what triggers
    /// them, and what the root provides; for snapshots.
    ///
    /// # Panics
    /// The model is wrong.
    #[track_caller]
    pub fn model_text(&self) -> String {
        text::of_model(&self.model(), &self.masks())
    }

    #[track_caller]
    fn model(&self) -> Model {
        self.configured().0
    }

    /// The sound model, and the assets that it was made with, which alone have their contents.
    #[track_caller]
    fn configured(&self) -> (Model, Arc<ProjectAssets>) {
        let assets = Arc::new(self.assets());
        match model::configure_twice(&self.registry, &self.environment, &*assets) {
            Ok(model) => (model, assets),
            Err(problems) => panic!("the model is wrong:\n{problems}"),
        }
    }

    fn assets(&self) -> ProjectAssets {
        ProjectAssets::new(&self.project)
    }

    /// Looks what would change.
    ///
    /// # Panics
    /// The model is wrong.
    #[track_caller]
    pub fn plan(&self) -> Run {
        self.run(Mode::Verify)
    }

    /// Converges all hosts.
    ///
    /// # Panics
    /// The model is wrong.
    #[track_caller]
    pub fn deploy(&self) -> Run {
        self.run(Mode::Converge)
    }

    #[track_caller]
    fn run(&self, mode: Mode) -> Run {
        self.run_with(&crate::engine::Options::new(mode), &Interrupt::default())
    }

    /// Runs with options of its own, and a way to stop it.
    ///
    /// # Panics
    /// The model is wrong.
    #[track_caller]
    pub fn run_with(&self, options: &crate::engine::Options, interrupt: &Interrupt) -> Run {
        self.run_watched(options, interrupt, &|_| ())
    }

    /// As [`run_with`](Self::run_with), with each event shown to a function when it comes.
    ///
    /// # Panics
    /// The model is wrong.
    #[track_caller]
    pub fn run_watched(
        &self,
        options: &crate::engine::Options,
        interrupt: &Interrupt,
        watch: &dyn Fn(&Event),
    ) -> Run {
        let (model, assets) = self.configured();
        run::run(self, &model, assets, options, interrupt, watch)
    }

    /// A root of the environment.
    pub fn root(&self, host: &str, root: &str) -> RootId {
        RootId::new(host, root)
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
