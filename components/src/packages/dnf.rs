//! Packages of Fedora, RHEL and their like.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use togusa_core::prelude::*;

use super::manager::{self, Manager, Packages, Versions, program, run, says};
use super::rpm::{self, Rpms};
use super::wanted::Wanted;

/// Packages of Fedora, RHEL and their like, which are there or not.
///
/// A package is named `nginx`, `nginx=1.24.0`, `nginx=1:1.24.0-1.fc39` or `glibc.i686`; what a package
/// provides is a name too, such as `perl(DBI)`.
///
/// | attribute | default |
/// |---|---|
/// | version | whichever is installed, or else the one that dnf chooses; epoch and release may be left out |
/// | `options` | none: as `--enablerepo=epel` or `--setopt=install_weak_deps=False` |
/// | `lock_timeout` | ten minutes: how long beyond an hour an installation may take, for it waits for others |
///
/// `verify` reads all packages by one `rpm --query` for all components of the host, and asks about a
/// name that no package has whether one provides it. `update` runs `dnf install` or `dnf remove`, also to
/// go back to an older version. Nothing is asked. The index is fetched when it is too old for dnf, or
/// lacks a package. dnf waits by itself for other programs.
///
/// It was tried out with dnf 4.14 and RPM 4.18, of which it is tested; dnf 5 takes the same commands.
///
/// **Needs**: root; `dnf`, `rpm`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Dnf::new("nginx"));
///     scope.add(Dnf::all(["postgresql-server=15.6", "perl(DBI)"]).options(["--enablerepo=extra"]));
///     scope.add(Dnf::new("httpd").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Dnf {
    packages: Packages,
}

impl Dnf {
    /// One package.
    pub fn new(package: impl AsRef<str>) -> Self {
        Self::all([package])
    }

    /// Several packages, installed at once.
    pub fn all(packages: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { packages: Packages::new(packages) }
    }

    /// Adds options of dnf.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.packages.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Removes the packages, and those that need them.
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

/// What dnf 4 and dnf 5 say when no repository has such a package.
const UNKNOWN: [&str; 2] = ["Unable to find a match", "No match for argument"];

impl Dnf {
    fn dnf(&self, command: &str) -> Exec {
        program(self).args(["--assumeyes", "--quiet", command]).args(&self.packages.options)
    }
}

impl Manager for Dnf {
    const PROGRAM: &'static str = "dnf";
    const OF: &'static str = "Fedora, RHEL and their like";
    const IN_NAMES: &'static str = rpm::IN_NAMES;

    fn packages(&self) -> &Packages {
        &self.packages
    }

    fn installed(&self, probe: &Probe<'_>) -> Result<Arc<Versions>> {
        Ok(Arc::clone(&probe.snapshot::<Rpms>()?.0))
    }

    fn forget(&self, machine: &Machine<'_>) {
        machine.invalidate::<Rpms>();
    }

    fn provides(&self, probe: &Probe<'_>, name: &str) -> Result<bool> {
        rpm::provides(probe, name)
    }

    fn is_version(there: &str, wanted: &str) -> bool {
        rpm::is_version(there, wanted)
    }

    fn install(&self, machine: &Machine<'_>, packages: &[Wanted]) -> Result {
        let install = || self.dnf("install").args(packages.iter().map(|it| it.joined("-")));
        match run(self, machine, &install(), None) {
            Err(error) if UNKNOWN.iter().any(|words| says(&error, words)) => {
                let known = "name a package and a version that `dnf list --showduplicates` knows on the host";
                run(self, machine, &install().arg("--refresh"), None).hint(known)
            }
            done => done,
        }
    }

    fn remove(&self, machine: &Machine<'_>, names: &[String]) -> Result {
        run(self, machine, &self.dnf("remove").args(names), None)
    }
}

impl Component for Dnf {
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
