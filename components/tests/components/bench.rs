//! A project with one root on one host, whose model and assets a test sets as it goes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tempfile::TempDir;
use togusa_core::attributes::{AttributeSchema, Reader, SourceLocation};
use togusa_core::prelude::*;
use togusa_core::testing::{Calls, Fake, Harness, Run};
use togusa_core::value::Value;

type Configure = dyn Fn(&mut Scope<'_>) -> Result + Send + Sync;

/// What the root of each test does, by the number that the environment gives it.
static MODELS: LazyLock<Mutex<BTreeMap<String, Arc<Configure>>>> = LazyLock::new(Mutex::default);

/// The root: it does what its test says.
#[derive(Debug)]
struct Tested(String);

impl Component for Tested {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let models = MODELS.lock().unwrap_or_else(PoisonError::into_inner);
        let configure = models.get(&self.0).cloned().context("the test set no model")?;
        drop(models);
        configure(scope)
    }
}

impl Attributes for Tested {
    fn schema() -> Vec<AttributeSchema> {
        Vec::new()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.required("model").map(Self)
    }

    fn source() -> SourceLocation {
        // Found by its name below the project of the test.
        SourceLocation {
            crate_name: "tested",
            manifest_dir: "/nowhere/tested",
            file: "src/lib.rs",
            embedded: &[],
        }
    }
}

/// The project, and the host `web` with the root `app`.
pub struct Bench {
    harness: Harness,
    project: TempDir,
    model: String,
}

impl Bench {
    pub fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let model = NUMBER.fetch_add(1, Ordering::SeqCst).to_string();
        let project = TempDir::new().unwrap();
        fs::create_dir(project.path().join("src")).unwrap();
        fs::write(project.path().join("Cargo.toml"), "[package]\nname = \"tested\"\n").unwrap();
        let harness = Harness::new(Registry::new().with::<Tested>("app"))
            .host("web", ["app"])
            .set("web", "app", "model", model.as_str())
            .project(project.path());
        Self { harness, project, model }
    }

    /// Sets what the root does; also between two runs.
    pub fn model<F>(self, configure: F) -> Self
    where
        F: Fn(&mut Scope<'_>) -> Result + Send + Sync + 'static,
    {
        self.set_model(configure);
        self
    }

    pub fn set_model<F>(&self, configure: F)
    where
        F: Fn(&mut Scope<'_>) -> Result + Send + Sync + 'static,
    {
        let mut models = MODELS.lock().unwrap_or_else(PoisonError::into_inner);
        models.insert(self.model.clone(), Arc::new(configure));
    }

    /// Changes the harness: gives it fakes.
    pub fn with(mut self, change: impl FnOnce(Harness) -> Harness) -> Self {
        self.harness = change(self.harness);
        self
    }

    /// How a fake was called.
    pub fn calls(&self, program: &str) -> Calls {
        self.harness.calls(program)
    }

    /// Changes the host.
    pub fn sandbox(mut self, sandbox: &str) -> Self {
        self.harness = self.harness.with_host("web", |host| host.sandbox = Some(sandbox.into()));
        self
    }

    /// Sets a value of the host's data.
    pub fn data(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.harness = self.harness.with_host("web", |host| host.data.insert(name, value));
        self
    }

    /// Puts a fake in the place of a program; of all others the host has none but those that are allowed.
    #[cfg(any(
        feature = "containers",
        feature = "data",
        feature = "packages",
        feature = "sources",
        feature = "system",
        feature = "web"
    ))]
    pub fn fake(mut self, fake: Fake) -> Self {
        self.harness = self.harness.fake(fake).only_fakes();
        self
    }

    /// Lets a host with fakes have these programs too.
    #[cfg(feature = "web")]
    pub fn allow<const N: usize>(mut self, programs: [&str; N]) -> Self {
        self.harness = self.harness.allow(programs);
        self
    }

    /// Says which platform the environment names for the host.
    #[cfg(feature = "packages")]
    pub fn platform(mut self, platform: &str) -> Self {
        self.harness = self.harness.platform("web", platform);
        self
    }

    /// Says which release the host says to have.
    #[cfg(feature = "packages")]
    pub fn release(mut self, release: &str) -> Self {
        self.harness = self.harness.facts("web", |facts| release.clone_into(&mut facts.release));
        self
    }

    /// How a fake was called since this was asked last.
    #[cfg(any(
        feature = "containers",
        feature = "data",
        feature = "packages",
        feature = "sources",
        feature = "system",
        feature = "web"
    ))]
    pub fn new_calls(&self, program: &str) -> Vec<String> {
        let calls = self.harness.calls(program).to_string();
        self.harness.forget_calls();
        let lines = calls.lines().filter_map(|line| line.strip_prefix("web  "));
        lines.map(str::to_owned).collect()
    }

    /// Adds a secret file to the environment.
    pub fn secret_file(mut self, name: &str, content: Vec<u8>) -> Self {
        self.harness = self.harness.secret_file(name, content);
        self
    }

    /// Puts a file beside the root's source.
    pub fn asset(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.asset_path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub fn asset_path(&self, name: &str) -> PathBuf {
        self.project.path().join("src").join(name)
    }

    /// A path in the root's work directory.
    pub fn path(&self, below: &str) -> PathBuf {
        self.harness.work_directory("web", "app").join(below)
    }

    /// A path in the home of the converging user.
    pub fn home(&self, below: &str) -> PathBuf {
        self.harness.home(&"web".into()).join(below)
    }

    /// A path that no component manages.
    pub fn outside(&self, below: &str) -> PathBuf {
        self.project.path().join(below)
    }

    pub fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }

    pub fn exists(&self, below: &str) -> bool {
        self.path(below).symlink_metadata().is_ok()
    }

    pub fn mode(&self, below: &str) -> u32 {
        mode_of(&self.path(below))
    }

    pub fn set_mode(&self, below: &str, mode: u32) {
        set_mode(&self.path(below), mode);
    }

    /// What makes a file another one, or touched: inode, modification and change in nanoseconds.
    pub fn stamp(&self, below: &str) -> (u64, i64, i64) {
        let metadata = self.path(below).symlink_metadata().unwrap();
        let modified = metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec();
        let changed = metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec();
        (metadata.ino(), modified, changed)
    }

    pub fn plan(&self) -> Run {
        self.harness.plan()
    }

    pub fn deploy(&self) -> Run {
        self.harness.deploy()
    }

    /// Plans, deploys and deploys again: the plan is what the run does, the second changes nothing.
    /// Gives the changes of the one component, without its name.
    #[track_caller]
    pub fn converge(&self) -> Vec<String> {
        let planned = self.plan();
        planned.assert_success();
        let run = self.harness.assert_converges();
        assert_eq!(planned.changes(), run.changes(), "the plan is not what was done");
        lines(&run)
    }

    /// The failure of a deployment that must not succeed.
    #[track_caller]
    pub fn failure(&self) -> String {
        let run = self.deploy();
        assert!(!run.summary.is_success(), "it succeeded");
        run.failures().join("\n")
    }

    /// What a rollout would be told; nothing if all is healthy.
    #[track_caller]
    pub fn unhealthy(&self) -> String {
        self.harness.unhealthy().join("\n")
    }

    /// What is wrong with a model that was set after the host was deployed to.
    #[track_caller]
    pub fn plan_problems(&self) -> String {
        self.harness.configure().expect_err("the model is sound").to_string()
    }

    /// What is wrong with the model. No host was touched.
    #[track_caller]
    pub fn problems(&self) -> String {
        let problems = self.harness.configure().expect_err("the model is sound");
        assert!(!self.home("").exists(), "a host was touched");
        problems.to_string()
    }
}

/// The changes of a run without the names of components.
pub fn lines(run: &Run) -> Vec<String> {
    let changes = run.changes();
    let lines = changes.iter().flat_map(|change| change.lines().skip(1));
    lines.map(|line| line.trim().to_owned()).collect()
}

pub fn mode_of(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}

pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Whether the tests may give files away.
pub fn is_root() -> bool {
    Path::new("/proc/self").metadata().unwrap().uid() == 0
}
