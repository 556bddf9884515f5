//! Packages of openSUSE and SLES.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use togusa_core::prelude::*;

use super::manager::{self, Manager, Packages, Versions, program, run};
use super::rpm::{self, Rpms};
use super::wanted::Wanted;
use crate::foreign::failure;

/// Packages of openSUSE and SLES, which are there or not.
///
/// A package is named `nginx`, `nginx=1.24.0` or `nginx=1.24.0-1.1`; what a package provides is a name too.
///
/// | attribute | default |
/// |---|---|
/// | version | whichever is installed, or else the one that zypper chooses; the release may be left out |
/// | `options` | none: as `--no-recommends` or `--from REPOSITORY` |
/// | `lock_timeout` | ten minutes: how long another program may hold the packages |
///
/// `verify` reads all packages by one `rpm --query` for all components of the host, and asks about a
/// name that no package has whether one provides it. `update` runs `zypper install` or `zypper remove`, also
/// to go back to an older version. Nothing is asked; licenses are agreed to. That a restart is advised
/// afterwards is no error. The index is fetched when it lacks a package.
///
/// It was tried out with zypper 1.14.42 and RPM 4.18, of which it is tested.
///
/// **Needs**: root; `zypper`, `rpm`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Zypper::new("nginx"));
///     scope.add(Zypper::all(["postgresql15-server=15.6", "vim"]).options(["--no-recommends"]));
///     scope.add(Zypper::new("apache2").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Zypper {
    packages: Packages,
}

impl Zypper {
    /// One package.
    pub fn new(package: impl AsRef<str>) -> Self {
        Self::all([package])
    }

    /// Several packages, installed at once.
    pub fn all(packages: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { packages: Packages::new(packages) }
    }

    /// Adds options of `zypper install` or `zypper remove`.
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

/// That a restart of the system or of programs is advised, and that a repository was left out of what
/// was refreshed: packages are as they shall be, which `verify` looks at.
const ADVICE: [i32; 4] = [0, 102, 103, 106];

/// That no repository has such a package.
const UNKNOWN: i32 = 104;

impl Zypper {
    fn zypper(&self, command: &str, more: &[&str]) -> Exec {
        let zypper = program(self).args(["--non-interactive", "--quiet", command]);
        let zypper = zypper.args(more.iter().copied()).args(&self.packages.options);
        let wait = self.packages.lock_timeout.as_secs().to_string();
        zypper.env("ZYPP_LOCK_TIMEOUT", wait).accept(ADVICE)
    }
}

impl Manager for Zypper {
    const PROGRAM: &'static str = "zypper";
    const OF: &'static str = "openSUSE and SLES";
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
        let install = || {
            let install = self.zypper("install", &["--auto-agree-with-licenses", "--oldpackage"]);
            run(self, machine, &install.args(packages.iter().map(|it| it.joined("="))), None)
        };
        match install() {
            Err(error) if failure(&error).and_then(|it| it.code) == Some(UNKNOWN) => {
                let refresh = ["--non-interactive", "--quiet", "refresh"];
                run(self, machine, &program(self).args(refresh), None)?;
                install().hint(
                    "name a package and a version that `zypper search --details` knows on the host",
                )
            }
            done => done,
        }
    }

    fn remove(&self, machine: &Machine<'_>, names: &[String]) -> Result {
        run(self, machine, &self.zypper("remove", &[]).args(names), None)
    }
}

impl Component for Zypper {
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
