//! Packages of Alpine Linux.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use togusa_core::demand;
use togusa_core::host::Snapshot;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::manager::{self, Manager, Packages, Versions, ask, program, run, says};
use super::wanted::Wanted;
use crate::foreign;

/// Packages of Alpine Linux, which are there or not.
///
/// A package is named `nginx` or `nginx=1.24.0-r7`; what a package provides is a name too, such as
/// `so:libssl.so.3`.
///
/// | attribute | default |
/// |---|---|
/// | version | whichever is installed, or else the one that apk chooses; given with its `-r` |
/// | `options` | none: as `--repository URL` |
/// | `lock_timeout` | ten minutes: how long another program may hold the packages |
///
/// `verify` reads all packages by one `apk info` for all components of the host, and asks about a name
/// that no package has whether one provides it. `update` runs `apk add` or `apk del`, which note in
/// `/etc/apk/world` what was asked for, a version too. The index is fetched only if it lacks a package. A
/// package that another one needs stays when it is removed; that it does is an error.
///
/// It was tried out with apk-tools 3.0.6; it is tested on what that printed.
///
/// **Needs**: root; `apk`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Apk::new("nginx"));
///     scope.add(Apk::all(["postgresql16=16.3-r0", "vim"]));
///     scope.add(Apk::new("apache2").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Apk {
    packages: Packages,
}

impl Apk {
    /// One package.
    pub fn new(package: impl AsRef<str>) -> Self {
        Self::all([package])
    }

    /// Several packages, installed at once.
    pub fn all(packages: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { packages: Packages::new(packages) }
    }

    /// Adds options of apk.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.packages.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Removes the packages that no other needs.
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

/// What apk says of what its index lacks, or knows where it no longer is.
const LACKS: [&str; 2] = ["unable to select packages", "package mentioned in index not found"];

/// What the database of apk has.
#[derive(Debug)]
struct Installed(Arc<Versions>);

impl Snapshot for Installed {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let query = foreign::program("apk").args(["info", "--verbose"]);
        Ok(Self(Arc::new(parse(&ask(probe, &query)?))))
    }
}

/// Reads lines like `nginx-mod-http-lua-1.24.0-r7`.
fn parse(text: &str) -> Versions {
    let mut versions = Versions::default();
    for line in text.lines() {
        let [revision, version, name] = line.rsplitn(3, '-').collect::<Vec<_>>()[..] else {
            continue;
        };
        versions.insert(name, format!("{version}-{revision}"));
    }
    versions
}

impl Apk {
    fn apk(&self, command: &str) -> Exec {
        let wait = self.packages.lock_timeout.as_secs().to_string();
        let apk = program(self).args(["--no-progress", "--wait", &*wait, command]);
        apk.args(&self.packages.options)
    }
}

impl Manager for Apk {
    const PROGRAM: &'static str = "apk";
    const OF: &'static str = "Alpine Linux";
    const IN_NAMES: &'static str = "+:/";

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
        let exists = foreign::program("apk").args(["info", "--exists", name]);
        Ok(!ask(probe, &exists.accept([0, 1]))?.trim().is_empty())
    }

    fn check_version(wanted: &Wanted, version: &str) -> Result {
        let revision = version.rsplit_once("-r").map(|(_, revision)| revision);
        let whole = revision.is_some_and(|it| it.parse::<u32>().is_ok());
        demand!(
            whole,
            code::OPTION_VALUE,
            "version `{version}` of package `{}` has no revision, such as `-r0`",
            wanted.name
        );
        Ok(())
    }

    fn install(&self, machine: &Machine<'_>, packages: &[Wanted]) -> Result {
        let add = || self.apk("add").args(packages.iter().map(|it| it.joined("=")));
        match run(self, machine, &add(), None) {
            // The package, its version, or its file where the index says it is.
            Err(error) if LACKS.iter().any(|words| says(&error, words)) => {
                run(self, machine, &self.apk("update"), None)?;
                run(self, machine, &add(), None)
                    .hint("name a package and a version that `apk policy` knows on the host")
            }
            done => done,
        }
    }

    fn remove(&self, machine: &Machine<'_>, names: &[String]) -> Result {
        run(self, machine, &self.apk("del").args(names), None)
    }
}

impl Component for Apk {
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
