//! The test harness for authors of components.
//!
//! Hosts are temporary directories; the model, the hand-over and the engine are the real ones.
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

mod run;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::assets::ProjectAssets;
use crate::environment::{Environment, Host, Root};
use crate::event::Mode;
use crate::interrupt::Interrupt;
use crate::model::{self, Model};
use crate::names::{HostName, RootId};
use crate::problem::Problems;
use crate::registry::Registry;
use crate::resource::Resource;
use crate::secret::Secret;
use crate::value::{Table, Value};

pub use run::Run;

/// An environment whose hosts are temporary directories, removed when this is dropped.
#[derive(Debug)]
pub struct Harness {
    registry: Registry,
    environment: Environment,
    project: PathBuf,
    directory: TempDir,
}

impl Harness {
    /// A harness without hosts.
    ///
    /// # Panics
    /// No temporary directory can be made.
    #[expect(clippy::expect_used, reason = "a test that cannot begin must fail")]
    pub fn new(registry: Registry) -> Self {
        let directory = TempDir::new().expect("a temporary directory for the hosts of a test");
        let project = crate::system::current_directory().unwrap_or_default();
        Self { registry, environment: Environment::new("test", "test"), project, directory }
    }

    /// Uses an environment made elsewhere, such as one read from TOML; its hosts become local ones
    /// in directories of the harness.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        let names: Vec<_> = self.environment.hosts.keys().cloned().collect();
        for name in names {
            let target = self.target(&name);
            if let Some(host) = self.environment.hosts.get_mut(&name) {
                host.target_directory = target;
                host.connect = crate::environment::Connect::Local;
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

    /// Adds a host with the named roots.
    #[must_use]
    pub fn host<'a>(mut self, name: &str, roots: impl IntoIterator<Item = &'a str>) -> Self {
        let mut host = Host::local(name, self.target(&name.into()));
        for root in roots {
            host = host.with_root(root, Table::default());
        }
        self.environment = self.environment.with(host);
        self
    }

    /// Sets an attribute of a root on one host.
    #[must_use]
    pub fn set(mut self, host: &str, root: &str, name: &str, value: impl Into<Value>) -> Self {
        if let Some(root) = self.root_mut(host, root) {
            root.attributes.insert(name, value);
        }
        self
    }

    /// Changes a host of the environment.
    #[must_use]
    pub fn with_host(mut self, host: &str, change: impl FnOnce(&mut Host)) -> Self {
        if let Some(host) = self.environment.hosts.get_mut(host) {
            change(host);
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

    /// Provides a resource by hand, from a root of its own on a host of its own called `given`.
    #[must_use]
    pub fn provide<R: Resource>(self, value: R) -> Self {
        run::provide(self, value)
    }

    fn root_mut(&mut self, host: &str, root: &str) -> Option<&mut Root> {
        let roots = &mut self.environment.hosts.get_mut(host)?.roots;
        roots.iter_mut().find(|known| known.name.as_str() == root)
    }

    fn target(&self, host: &HostName) -> String {
        self.home(host).join("target").display().to_string()
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

    /// A path on a host as a real one: below its home for `~/…`, else as it is.
    pub fn local(&self, host: &str, path: &str) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(below) => self.home(&host.into()).join(below),
            None => Path::new(path).to_owned(),
        }
    }

    /// The text of a file on a host.
    ///
    /// # Panics
    /// There is no such file, or it is no text.
    pub fn read(&self, host: &str, path: &str) -> String {
        let path = self.local(host, path);
        std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
    }

    /// Configures the model.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn configure(&self) -> Result<Model, Problems> {
        model::configure_twice(&self.registry, &self.environment, &self.assets())
    }

    fn assets(&self) -> ProjectAssets {
        ProjectAssets::new(&self.project)
    }

    /// Looks what would change.
    ///
    /// # Panics
    /// The model is wrong.
    pub fn plan(&self) -> Run {
        self.run(Mode::Verify)
    }

    /// Converges all hosts.
    ///
    /// # Panics
    /// The model is wrong.
    pub fn deploy(&self) -> Run {
        self.run(Mode::Converge)
    }

    fn run(&self, mode: Mode) -> Run {
        self.run_with(&crate::engine::Options::new(mode), &Interrupt::default())
    }

    /// Runs with options of its own, and a way to stop it.
    ///
    /// # Panics
    /// The model is wrong.
    pub fn run_with(&self, options: &crate::engine::Options, interrupt: &Interrupt) -> Run {
        let registry = Arc::new(self.registry.clone());
        let assets = Arc::new(self.assets());
        let model = model::configure_twice(&self.registry, &self.environment, &*assets)
            .unwrap_or_else(|problems| panic!("the model is wrong:\n{problems}"));
        run::run(self, &model, &registry, assets, options, interrupt)
    }

    /// Converges twice: the first run must succeed, the second must change nothing.
    ///
    /// # Panics
    /// It is not so; what was changed or failed is shown.
    pub fn assert_converges(&self) -> Run {
        let first = self.deploy();
        first.assert_success();
        let second = self.deploy();
        second.assert_success();
        assert!(
            second.changes().is_empty(),
            "the second run changed something:\n{}",
            second.changes().join("\n")
        );
        first
    }

    /// A root of the environment.
    pub fn root(&self, host: &str, root: &str) -> RootId {
        RootId::new(host, root)
    }
}
