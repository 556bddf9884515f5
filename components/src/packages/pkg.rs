//! Packages of FreeBSD.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use togusa_core::host::Snapshot;
use togusa_core::prelude::*;

use super::manager::{self, Manager, Packages, Versions, ask, program, run, says};
use super::wanted::Wanted;
use crate::foreign;

/// Packages of FreeBSD and DragonFly, which are there or not.
///
/// A package is named `nginx`, `www/nginx` or `nginx=1.26.2_11,3`.
///
/// | attribute | default |
/// |---|---|
/// | version | whichever is installed, or else the one of the repositories |
/// | `options` | none: as `--repository NAME` |
/// | `lock_timeout` | ten minutes: how long another program may hold the packages |
///
/// `verify` reads all packages by one `pkg query` for all components of the host. `update` runs
/// `pkg install` or `pkg delete`, also to go back to an older version; nothing is asked. Where `pkg` itself is
/// not there yet, nothing is installed, and the `update` brings it.
///
/// It was tried out with pkg 2.8.4 on Linux; it is tested on what that printed. What FreeBSD says where
/// `pkg` is not there yet was not recorded.
///
/// **Needs**: root; `pkg`, which FreeBSD has or fetches.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Pkg::new("nginx"));
///     scope.add(Pkg::all(["postgresql16-server", "vim=9.1.0470"]));
///     scope.add(Pkg::new("apache24").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Pkg {
    packages: Packages,
}

impl Pkg {
    /// One package.
    pub fn new(package: impl AsRef<str>) -> Self {
        Self::all([package])
    }

    /// Several packages, installed at once.
    pub fn all(packages: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { packages: Packages::new(packages) }
    }

    /// Adds options of `pkg install` or `pkg delete`.
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

/// What FreeBSD says where it has only what would fetch pkg.
const NOT_YET: &str = "not yet installed";

/// What the database of pkg has.
#[derive(Debug)]
struct Installed(Arc<Versions>);

impl Snapshot for Installed {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let query = foreign::program("pkg").args(["query", "--all", "%n\t%o\t%v"]);
        let text = match ask(probe, &query) {
            Err(error) if says(&error, NOT_YET) => String::new(),
            done => done?,
        };
        Ok(Self(Arc::new(parse(&text))))
    }
}

fn parse(text: &str) -> Versions {
    let mut versions = Versions::default();
    for line in text.lines() {
        let [name, origin, version] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        versions.insert(name, version);
        versions.insert(origin, version);
    }
    versions
}

impl Pkg {
    fn pkg(&self, command: &str) -> Exec {
        let retries = format!("LOCK_RETRIES={}", self.packages.lock_timeout.as_secs());
        let pkg = program(self).args(["-o", &*retries, command, "--yes"]);
        pkg.args(&self.packages.options).env("ASSUME_ALWAYS_YES", "yes")
    }
}

impl Manager for Pkg {
    const PROGRAM: &'static str = "pkg";
    const OF: &'static str = "FreeBSD and DragonFly";
    const IN_NAMES: &'static str = "+/@~";

    fn packages(&self) -> &Packages {
        &self.packages
    }

    fn installed(&self, probe: &Probe<'_>) -> Result<Arc<Versions>> {
        Ok(Arc::clone(&probe.snapshot::<Installed>()?.0))
    }

    fn forget(&self, machine: &Machine<'_>) {
        machine.invalidate::<Installed>();
    }

    fn install(&self, machine: &Machine<'_>, packages: &[Wanted]) -> Result {
        let (pinned, others): (Vec<_>, Vec<_>) =
            packages.iter().partition(|wanted| wanted.version.is_some());
        for (packages, force) in [(others, None), (pinned, Some("--force"))] {
            if packages.is_empty() {
                continue;
            }
            // By force alone it goes back to an older version.
            let install = self.pkg("install").args(force);
            let install = install.args(packages.iter().map(|it| it.joined("-")));
            run(self, machine, &install, None)
                .hint("name a package and a version that `pkg search` knows on the host")?;
        }
        Ok(())
    }

    fn remove(&self, machine: &Machine<'_>, names: &[String]) -> Result {
        run(self, machine, &self.pkg("delete").args(names), None)
    }
}

impl Component for Pkg {
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
