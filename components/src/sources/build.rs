//! Programs that are built on the host.

mod steps;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use togusa_core::digest::Digest;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::{EntryKind, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use crate::location::{Location, Place};

use super::memory::Memory;
use super::tools::needing;

/// A program that is built from its source: by `configure`, `make` and `make install`, by
/// [`cargo`](Self::cargo), or by [`npm`](Self::npm).
///
/// It is built in a copy, so that the source stays as it came, from an `Archive` or a `GitCheckout`;
/// the copy is removed when all went well, else it is left to be looked at.
///
/// | attribute | default |
/// |---|---|
/// | `prefix` | a directory with the build's name in the root's work directory |
/// | `configure_args` | none beside `--prefix` |
/// | `without_configure` | no: `./configure` is run |
/// | `make_args`, `install_args` | none; `install` |
/// | `env` | none |
/// | `args` | none: more of them for `cargo install`, or for the script of npm |
/// | `script`, `output` | `build`, which makes the directory `dist`: for npm |
/// | `jobs` | as many as the host has cores; npm is told nothing of it |
/// | `creates` | nothing is looked for below the prefix |
/// | `timeout` | an hour for each of the steps |
///
/// `verify` looks at names, sizes, times and modes of all files of the source, at what was asked for
/// the last time, and at what the build creates; not at what cargo and npm leave in the source, `target`
/// and `node_modules`. `update` builds everything anew, but for what cargo can take from its last build.
///
/// By cargo it is `cargo install --locked`, of a package with its lock file, into `bin` below the prefix. By
/// npm it is `npm ci`, the script, and what that made becomes the prefix, in which nothing else may lie.
///
/// [`absent`](Self::absent) removes the prefix that belongs to the build alone: the default one, and that of
/// npm. Of another prefix, such as `/usr/local`, it removes what is named by `creates`.
///
/// **Needs**: `make` and a compiler, or `cargo`, or `npm`; the right to write below the prefix.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let source = Archive::new("haproxy-src").source("haproxy-3.0.tar.gz").strip_components(1);
///     let source = scope.add(source);
///     let build = Build::new("haproxy", source.path()).without_configure();
///     let build = build.make_args(["TARGET=linux-glibc"]).creates("sbin/haproxy");
///     scope.add(build.install_args(["install-bin", "PREFIX=/opt/haproxy"]).prefix("/opt/haproxy"));
///
///     scope.add(Build::cargo("backend", "/srv/shop/backend").creates("bin/backend"));
///     scope.add(Build::npm("frontend", "/srv/shop/frontend").prefix("/srv/www/shop"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Build {
    name: String,
    source: Location,
    source_path: Option<HostPath>,
    prefix: Option<Place>,
    /// The prefix belongs to the build alone.
    own_prefix: bool,
    way: Way,
    configure: Option<Vec<String>>,
    make_args: Vec<String>,
    install_args: Vec<String>,
    args: Vec<String>,
    script: String,
    output: String,
    env: BTreeMap<String, String>,
    jobs: Option<usize>,
    creates: Vec<String>,
    timeout: Duration,
    absent: bool,
    memory: Option<Memory>,
}

/// What builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Make,
    Cargo,
    Npm,
}

impl Way {
    /// What it leaves in a source that somebody builds in.
    fn leaves(self) -> Option<&'static str> {
        match self {
            Self::Make => None,
            Self::Cargo => Some("target"),
            Self::Npm => Some("node_modules"),
        }
    }
}

/// What was built.
#[derive(Debug, Serialize, Deserialize)]
struct Built {
    source: Digest,
    options: String,
    /// Of the environment, which may hold what nobody is to see.
    env: Digest,
}

impl Build {
    /// Builds the source in a directory of the host.
    pub fn new(name: impl Into<String>, source: impl Into<Location>) -> Self {
        Self {
            name: name.into(),
            source: source.into(),
            source_path: None,
            prefix: None,
            own_prefix: true,
            way: Way::Make,
            configure: Some(Vec::new()),
            make_args: Vec::new(),
            install_args: vec!["install".into()],
            args: Vec::new(),
            script: "build".into(),
            output: "dist".into(),
            env: BTreeMap::new(),
            jobs: None,
            creates: Vec::new(),
            timeout: Duration::from_secs(60 * 60),
            absent: false,
            memory: None,
        }
    }

    /// Builds a package of Rust: its programs, by cargo.
    pub fn cargo(name: impl Into<String>, source: impl Into<Location>) -> Self {
        Self { way: Way::Cargo, ..Self::new(name, source) }.without_configure()
    }

    /// Builds a project of npm: what a script of its `package.json` makes.
    pub fn npm(name: impl Into<String>, source: impl Into<Location>) -> Self {
        Self { way: Way::Npm, ..Self::new(name, source) }.without_configure()
    }

    /// Sets where it is installed.
    #[must_use]
    pub fn prefix(mut self, path: impl Into<Location>) -> Self {
        self.own_prefix = self.way == Way::Npm;
        self.prefix = Some(Place::new(path.into()));
        self
    }

    /// Adds arguments of `configure`.
    #[must_use]
    pub fn configure_args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.configure.get_or_insert_default().extend(args.into_iter().map(Into::into));
        self
    }

    /// Runs `make` at once, for a source without `configure`; the prefix is told to nobody.
    #[must_use]
    pub fn without_configure(mut self) -> Self {
        self.configure = None;
        self
    }

    /// Adds arguments of `make`, also of the one that installs.
    #[must_use]
    pub fn make_args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.make_args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets what `make` is told in order to install.
    #[must_use]
    pub fn install_args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.install_args = args.into_iter().map(Into::into).collect();
        self
    }

    /// Adds arguments of `cargo install`, or of the script of npm.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets which script of `package.json` builds.
    #[must_use]
    pub fn script(mut self, name: impl Into<String>) -> Self {
        self.script = name.into();
        self
    }

    /// Sets the directory of the source that the script of npm makes.
    #[must_use]
    pub fn output(mut self, path: impl Into<String>) -> Self {
        self.output = path.into();
        self
    }

    /// Sets an environment variable of all steps.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets how many jobs run at once.
    #[must_use]
    pub fn jobs(mut self, count: usize) -> Self {
        self.jobs = Some(count);
        self
    }

    /// Builds again if this is missing below the prefix. May be given several times.
    #[must_use]
    pub fn creates(mut self, path: impl Into<String>) -> Self {
        self.creates.push(path.into());
        self
    }

    /// Sets how long each step may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Removes what was built.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Where it is installed on the host.
    ///
    /// # Panics
    /// The build was not added yet.
    #[track_caller]
    pub fn path(&self) -> &HostPath {
        match &self.prefix {
            Some(prefix) => prefix.path(),
            None => panic!("`{}` has no path before it is added", self.name),
        }
    }

    fn memory(&self) -> Result<&Memory> {
        self.memory.as_ref().context("the build was not configured").code(code::NOT_CONFIGURED)
    }

    fn source(&self) -> Result<&HostPath> {
        self.source_path.as_ref().context("the build was not configured").code(code::NOT_CONFIGURED)
    }

    /// What is to be built now.
    fn now(&self, probe: &Probe<'_>) -> Result<Built> {
        let source = self.source()?;
        let entry = probe.entry(source)?.filter(|entry| entry.is_directory());
        let local = probe.local(source);
        let there = entry
            .with_context(|| format!("there is no source in `{}`", local.display()))
            .code(code::NO_FILE);
        there.hint("let an earlier component bring it, such as an `Archive` or a `GitCheckout`")?;
        let mut text = String::new();
        fingerprint(probe, source, "", self.way.leaves(), &mut text)?;
        let prefix = probe.local(self.path());
        let mut options = format!("prefix {}", prefix.display());
        let made = [self.script.clone(), self.output.clone()];
        let steps: &[(&str, Option<&[String]>)] = match self.way {
            Way::Make => &[
                ("configure", self.configure.as_deref()),
                ("make", Some(&self.make_args)),
                ("install", Some(&self.install_args)),
            ],
            Way::Cargo => &[("cargo", Some(&self.args))],
            Way::Npm => &[("npm", Some(&made)), ("args", Some(&self.args))],
        };
        for (step, args) in steps {
            let Some(args) = args else { continue };
            // Writing into a text does not fail.
            let _ = write!(options, ", {step} {args:?}");
        }
        let env = Digest::of(format!("{:?}", self.env).as_bytes());
        Ok(Built { source: Digest::of(text.as_bytes()), options, env })
    }

    /// What is left of the build, of what is known to belong to it alone.
    fn left(&self, probe: &Probe<'_>) -> Result<Vec<HostPath>> {
        let mut paths: Vec<_> = self.creates.iter().map(|path| self.path().join(path)).collect();
        if self.own_prefix {
            paths = vec![self.path().clone()];
        }
        let mut left = Vec::new();
        for path in paths {
            if probe.entry(&path)?.is_some() {
                left.push(path);
            }
        }
        Ok(left)
    }
}

/// Adds a line for all that lies below a directory.
fn fingerprint(
    probe: &Probe<'_>,
    at: &HostPath,
    below: &str,
    but: Option<&str>,
    text: &mut String,
) -> Result {
    for name in probe.list(at)? {
        // What git keeps for itself changes without the source.
        if name == ".git" || but == Some(&*name) {
            continue;
        }
        let path = at.join(&name);
        let Some(entry) = probe.entry(&path)? else { continue };
        let name = format!("{below}/{name}");
        // Writing into a text does not fail.
        let _ = write!(text, "{name:?} {:?} {:o}", entry.kind, entry.mode);
        match entry.kind {
            EntryKind::File => {
                let _ = writeln!(text, " {} {:?}", entry.size, entry.modified);
            }
            EntryKind::Symlink => {
                let _ = writeln!(text, " {:?}", probe.read_link(&path)?);
            }
            EntryKind::Directory => {
                text.push('\n');
                fingerprint(probe, &path, &name, but, text)?;
            }
            EntryKind::Other => text.push('\n'),
        }
    }
    Ok(())
}

impl Component for Build {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let plain = !self.name.is_empty() && !self.name.contains('/');
        demand!(plain, code::NOT_A_NAME, "`{}` is no name of a build", self.name);
        self.source_path = Some(self.source.resolve(scope)?);
        let name = self.name.as_str();
        self.prefix.get_or_insert_with(|| Place::new(name.into())).resolve("build", scope)?;
        let inside =
            |path: &str| !path.starts_with('/') && !path.split('/').any(|part| part == "..");
        if let Some(outside) = self.creates.iter().find(|path| !inside(path)) {
            fail!(code::BUILD_PLACES, "`{outside}` is no path below the prefix");
        }
        demand!(
            inside(&self.output),
            code::BUILD_PLACES,
            "`{}` leads out of the source",
            self.output
        );
        if self.absent && !self.own_prefix && self.creates.is_empty() {
            let error = fault!(code::BUILD_UNKNOWN, "it is not known what the build brought");
            return Err(error).hint("name what is to go below the prefix with `.creates(…)`");
        }
        if self.path() == self.source()? {
            return Err(fault!(code::BUILD_PLACES, "the build is installed into its own source"))
                .hint("give it another `.prefix(…)` or another name");
        }
        let configure = self.configure.as_deref().unwrap_or_default();
        for args in [configure, &self.make_args, &self.install_args, &self.args] {
            scope.check_arguments(&Exec::new("make").args(args))?;
        }
        self.memory = Some(Memory::of(scope));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.absent {
            let shown =
                |path: HostPath| Change::remove(format!("`{}`", probe.local(&path).display()));
            return Ok(self.left(probe)?.into_iter().map(shown).collect());
        }
        let now = self.now(probe)?;
        let Some(built) = self.memory()?.read::<Built>(probe)? else {
            return Ok(Verdict::stale(Change::create(format!("build of {}", self.name))));
        };
        let mut verdict = Verdict::current();
        if built.source != now.source {
            verdict.push("the source changed");
        }
        if built.options != now.options {
            verdict.push(Change::property("options", &built.options, &now.options));
        }
        if built.env != now.env {
            verdict.push("the environment variables changed");
        }
        let top = std::iter::once(self.path().clone());
        for path in top.chain(self.creates.iter().map(|path| self.path().join(path))) {
            if probe.entry(&path)?.is_none() {
                verdict.push(Change::create(format!("`{}`", probe.local(&path).display())));
            }
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.absent {
            self.left(machine)?.iter().try_for_each(|path| machine.remove(path))?;
            machine.remove(&self.memory()?.path("target"))?;
            return self.memory()?.forget(machine);
        }
        self.check_place(machine)?;
        // What is built is what was there before: a change meanwhile is built by the next run.
        let now = self.now(machine)?;
        let memory = self.memory()?;
        memory.prepare(machine)?;
        let directory = memory.path("build");
        machine.remove(&directory)?;
        machine.create_directory(&directory, &Ownership::mode(0o700))?;
        let local = |path: &HostPath| machine.local(path).to_string_lossy().into_owned();
        let from = format!("{}/.", local(self.source()?));
        let copy = Exec::new("cp").args(["-a", "--", &from, &local(&directory)]);
        needing(machine.run(&copy), "coreutils")?;
        let place = || format!("the copy that was built in is `{}`", local(&directory));
        self.steps(machine, &directory).with_context(place)?;
        memory.write(machine, &now)?;
        machine.remove(&directory)
    }
}
