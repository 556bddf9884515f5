//! Packages of Arch Linux.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use togusa_core::host::Snapshot;
use togusa_core::prelude::*;

use super::manager::{self, Manager, Packages, Versions, ask, program, run, says};
use super::rpm;
use super::wanted::Wanted;
use crate::foreign;

/// Packages of Arch Linux and its like, which are there or not.
///
/// A package is named `nginx`, `nginx=1.24.0` or `nginx=1.24.0-1`; what a package provides is a name too.
///
/// | attribute | default |
/// |---|---|
/// | version | whichever is installed, or else the one of the repositories, which have no other |
/// | `options` | none: as `--overwrite GLOB` |
/// | `lock_timeout` | ten minutes: how long another program may hold the packages |
///
/// `verify` reads all packages by one `pacman --query` for all components of the host, and asks about a
/// name that no package has whether one provides it. `update` runs `pacman --sync` or `pacman --remove`;
/// nothing is asked. The lists of packages are fetched only if one of them is missing there, or its
/// file is gone: Arch Linux wants the whole system upgraded with new lists, which is left to who looks after
/// the host.
///
/// It was tried out with pacman 6.0.2, of which it is tested.
///
/// **Needs**: root; `pacman`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Pacman::new("nginx"));
///     scope.add(Pacman::all(["postgresql", "vim"]));
///     scope.add(Pacman::new("apache").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Pacman {
    packages: Packages,
}

impl Pacman {
    /// One package.
    pub fn new(package: impl AsRef<str>) -> Self {
        Self::all([package])
    }

    /// Several packages, installed at once.
    pub fn all(packages: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { packages: Packages::new(packages) }
    }

    /// Adds options of `pacman --sync` or `pacman --remove`.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.packages.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Removes the packages; one that another needs is an error.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.packages.absent = true;
        self
    }

    /// Sets how long another program may hold the packages before this gives up.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.packages.lock_timeout = timeout;
        self
    }
}

/// What pacman says while another one is at work.
const BUSY: &str = "unable to lock database";

/// What pacman says of a package that its lists lack, or whose file is gone.
const LACKS: [&str; 3] =
    ["target not found", "failed to retrieve some files", "could not find database"];

/// What the database of pacman has.
#[derive(Debug)]
struct Installed(Arc<Versions>);

impl Snapshot for Installed {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let text = match ask(probe, &foreign::program("pacman").arg("--query")) {
            Err(error) if is_nothing(&error) => String::new(),
            done => done?,
        };
        Ok(Self(Arc::new(parse(&text))))
    }
}

/// Whether pacman tells by its exit code that there is no package; with that it also says what is wrong
/// with itself.
fn is_nothing(error: &anyhow::Error) -> bool {
    let failure = foreign::failure(error);
    failure.is_some_and(|it| it.code == Some(1) && !it.stderr_tail.contains("error:"))
}

fn parse(text: &str) -> Versions {
    let mut versions = Versions::default();
    for (name, version) in text.lines().filter_map(|line| line.split_once(' ')) {
        versions.insert(name, version);
    }
    versions
}

impl Pacman {
    fn pacman(&self, operation: &str) -> Exec {
        let pacman = program(self).args([operation, "--noconfirm", "--noprogressbar"]);
        pacman.args(&self.packages.options)
    }
}

impl Manager for Pacman {
    const PROGRAM: &'static str = "pacman";
    const OF: &'static str = "Arch Linux and its like";
    const IN_NAMES: &'static str = "@+:";

    fn packages(&self) -> &Packages {
        &self.packages
    }

    fn installed(&self, probe: &Probe<'_>) -> Result<Arc<Versions>> {
        Ok(Arc::clone(&probe.snapshot::<Installed>()?.0))
    }

    fn forget(&self, machine: &Machine<'_>) {
        machine.invalidate::<Installed>();
    }

    fn provides(&self, probe: &Probe<'_>, name: &str) -> Result<bool> {
        let test = foreign::program("pacman").args(["--deptest", name]).accept([0, 127]);
        Ok(probe.query(&test)?.code == 0)
    }

    fn is_version(there: &str, wanted: &str) -> bool {
        rpm::is_version(there, wanted)
    }

    fn install(&self, machine: &Machine<'_>, packages: &[Wanted]) -> Result {
        let names = || packages.iter().map(|it| it.joined("="));
        let sync = || run(self, machine, &self.pacman("--sync").args(names()), Some(BUSY));
        let lacks = |error: &_| LACKS.iter().any(|words| says(error, words));
        match sync() {
            Err(error) if lacks(&error) => {
                run(self, machine, &self.pacman("--sync").arg("--refresh"), Some(BUSY))?;
                sync().hint("name a package and a version that `pacman --sync --info` knows")
            }
            done => done,
        }
    }

    fn remove(&self, machine: &Machine<'_>, names: &[String]) -> Result {
        run(self, machine, &self.pacman("--remove").args(names), Some(BUSY))
    }
}

impl Component for Pacman {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.packages.names().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        manager::configure(self, scope)
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        manager::verify(self, probe)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        manager::update(self, machine)
    }
}
