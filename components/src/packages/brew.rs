//! Packages of Homebrew.

use std::borrow::Cow;
use std::sync::Arc;

use togusa_core::fault;
use togusa_core::host::Snapshot;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::system;

use super::manager::{self, Manager, Packages, Versions, ask, program, run};
use super::wanted::Wanted;
use crate::privilege::is_root;

/// Packages of Homebrew, on macOS and Linux, which are there or not.
///
/// A package is named `nginx`, `postgresql@16` or `owner/tap/name`. Homebrew has no versions to choose
/// from but those that are part of a name.
///
/// | attribute | default |
/// |---|---|
/// | `cask` | no: they are formulae |
/// | `options` | none: as `--HEAD` or `--appdir=DIRECTORY` |
/// | `user` | the converging user; Homebrew refuses root |
///
/// `verify` asks `brew --prefix` once for all components of the host, and looks into the directories
/// `Cellar` and `Caskroom` there, as `brew list` does. `update` runs `brew install` or `brew uninstall`. It
/// looks for `brew` also where it is usually installed: `/opt/homebrew`, `/usr/local` and
/// `/home/linuxbrew/.linuxbrew`.
///
/// `brew --prefix` and the layout are those of Homebrew 6.0.18 on Linux. Its installations could not be
/// tried out, and are tested by what its manual says.
///
/// **Needs**: `brew`, and a user other than root whose it is.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Brew::all(["nginx", "postgresql@16"]));
///     scope.add(Brew::new("rectangle").cask().user("ada"));
///     scope.add(Brew::new("wget").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Brew {
    packages: Packages,
    cask: bool,
    user: Option<String>,
}

/// Where Homebrew is, beside what `PATH` says: of macOS on ARM and Intel, of Linux.
const PLACES: [&str; 3] = ["/opt/homebrew/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin"];

/// What the directories of Homebrew have.
#[derive(Debug)]
struct Installed {
    formulae: Arc<Versions>,
    casks: Arc<Versions>,
}

impl Snapshot for Installed {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        // Root may ask this alone.
        let prefix = ask(probe, &placed(Exec::new("brew")).arg("--prefix"))?;
        let prefix = HostPath::new(&probe.host().name, prefix.trim());
        let of = |name: &str| list(probe, &prefix.join(name)).map(Arc::new);
        Ok(Self { formulae: of("Cellar")?, casks: of("Caskroom")? })
    }
}

/// Reads directories like `Cellar/postgresql@16/16.4`.
fn list(probe: &Probe<'_>, directory: &HostPath) -> Result<Versions> {
    let mut versions = Versions::default();
    if probe.entry(directory)?.is_none() {
        return Ok(versions);
    }
    let is_directory = |path: &HostPath| -> Result<bool> {
        Ok(probe.entry(path)?.is_some_and(|entry| entry.is_directory()))
    };
    for name in probe.list(directory)? {
        let rack = directory.join(&name);
        // One that was renamed is a link.
        if name.starts_with('.') || !is_directory(&rack)? {
            continue;
        }
        for version in probe.list(&rack)? {
            if !version.starts_with('.') && is_directory(&rack.join(&version))? {
                versions.insert(&*name, version);
            }
        }
    }
    Ok(versions)
}

/// Looks for the program also where Homebrew usually is.
fn placed(exec: Exec) -> Exec {
    let path = system::variable("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    let more: String = PLACES.iter().map(|place| format!(":{place}")).collect();
    exec.env("PATH", format!("{path}{more}"))
}

impl Brew {
    /// One package.
    pub fn new(package: impl AsRef<str>) -> Self {
        Self::all([package])
    }

    /// Several packages, installed at once.
    pub fn all(packages: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { packages: Packages::new(packages), cask: false, user: None }
    }

    /// Takes the packages for casks: programs with windows, fonts.
    #[must_use]
    pub fn cask(mut self) -> Self {
        self.cask = true;
        self
    }

    /// Adds options of `brew install` or `brew uninstall`.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.packages.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Runs Homebrew as the user whose it is.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Removes the packages.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.packages.absent = true;
        self
    }

    fn brew(&self, machine: &Machine<'_>, command: &str, names: &[String]) -> Result {
        if self.user.is_none() && is_root() {
            return Err(fault!(code::REFUSES_ROOT, "Homebrew refuses to be run by root"))
                .hint("name the user whose it is with `.user(…)`");
        }
        let kind = if self.cask { "--cask" } else { "--formula" };
        let brew = placed(program(self)).args([command, kind]).args(&self.packages.options);
        let brew = brew.args(names).env("NONINTERACTIVE", "1").env("HOMEBREW_NO_ENV_HINTS", "1");
        let brew = match &self.user {
            Some(user) => brew.user(user),
            None => brew,
        };
        run(self, machine, &brew, None)
    }
}

impl Manager for Brew {
    const PROGRAM: &'static str = "brew";
    const OF: &'static str = "Homebrew, on macOS and Linux";
    const IN_NAMES: &'static str = "+@/";
    const OF_ROOT: bool = false;

    fn packages(&self) -> &Packages {
        &self.packages
    }

    fn installed(&self, probe: &Probe<'_>) -> Result<Arc<Versions>> {
        let installed = probe.snapshot::<Installed>()?;
        Ok(Arc::clone(if self.cask { &installed.casks } else { &installed.formulae }))
    }

    fn forget(&self, machine: &Machine<'_>) {
        machine.invalidate::<Installed>();
    }

    /// A formula of a tap lies where all others do.
    fn provides(&self, probe: &Probe<'_>, name: &str) -> Result<bool> {
        let short = name.rsplit('/').next().unwrap_or(name);
        Ok(short != name && self.installed(probe)?.has(short))
    }

    fn check_version(wanted: &Wanted, version: &str) -> Result {
        let Wanted { name, .. } = wanted;
        Err(fault!(
            code::NO_VERSIONS,
            "Homebrew cannot be asked for version `{version}` of package `{name}`"
        ))
        .hint("name a formula that has the version in its name, such as `postgresql@16`")
    }

    fn install(&self, machine: &Machine<'_>, packages: &[Wanted]) -> Result {
        let names: Vec<_> = packages.iter().map(|wanted| wanted.name.clone()).collect();
        self.brew(machine, "install", &names)
    }

    fn remove(&self, machine: &Machine<'_>, names: &[String]) -> Result {
        self.brew(machine, "uninstall", names)
    }
}

impl Component for Brew {
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
