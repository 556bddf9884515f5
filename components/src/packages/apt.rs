//! Packages of Debian and Ubuntu.

mod index;
mod installed;
mod tools;

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::demand;
use togusa_core::prelude::*;
use togusa_core::problem::code;

pub(super) use index::Refresh;
use installed::{Installed, Package, Upgradable};

use super::wanted::Wanted;

/// How old the index may be before a package is installed, or looked at for a newer version.
const INDEX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Packages of Debian and Ubuntu, which are there or not.
///
/// A package is named `nginx`, `nginx=1.22.1-9` or `libc6:i386`.
///
/// | attribute | default |
/// |---|---|
/// | version | whichever is installed, or else the one that apt chooses |
/// | `latest` | no: another version is installed only if it is asked for |
/// | `index_age` | a day: how old the index of packages may be where it is needed |
/// | `recommends` | no: packages that others only recommend are not installed with them |
/// | `default_release` | what apt is configured to |
/// | `held` | left as it is |
/// | `lock_timeout` | ten minutes: how long another program may hold the packages |
///
/// `verify` reads all packages by one `dpkg-query` for all components of the host; with `latest`
/// also `apt list --upgradable`. What is installed in part is to be mended. A virtual package is
/// there if one is that provides it.
///
/// `update` runs `apt-get` and `apt-mark`, and needs root. The index is fetched if it is too old, or
/// does not know a package. Nothing is asked, and configuration that was changed by hand is kept.
/// An installation that was cut off is brought to its end first.
///
/// **Needs**: root; `apt-get`, `dpkg-query`.
///
/// ```
/// use std::time::Duration;
///
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Apt::new("nginx"));
///     scope.add(Apt::all(["postgresql-15=15.6-0+deb12u1", "postgresql-client-15"]).held());
///     scope.add(Apt::new("openssl").latest().index_age(Duration::from_secs(3600)));
///     scope.add(Apt::new("apache2").purged());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Apt {
    packages: Vec<Wanted>,
    latest: bool,
    index_age: Duration,
    recommends: bool,
    default_release: Option<String>,
    held: Option<bool>,
    absent: Option<Absent>,
    lock_timeout: Duration,
}

/// What shall be left of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absent {
    Removed,
    Purged,
}

impl Apt {
    /// One package.
    pub fn new(package: impl AsRef<str>) -> Self {
        Self::all([package])
    }

    /// Several packages, installed at once.
    pub fn all(packages: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let packages = packages.into_iter();
        Self {
            packages: packages.map(|package| Wanted::parse(package.as_ref())).collect(),
            latest: false,
            index_age: INDEX_AGE,
            recommends: false,
            default_release: None,
            held: None,
            absent: None,
            lock_timeout: Duration::from_secs(10 * 60),
        }
    }

    /// Installs newer versions when the index has them.
    #[must_use]
    pub fn latest(mut self) -> Self {
        self.latest = true;
        self
    }

    /// Sets how old the index may be before something is installed, or a newer version is looked
    /// for.
    #[must_use]
    pub fn index_age(mut self, age: Duration) -> Self {
        self.index_age = age;
        self
    }

    /// Installs also what the packages recommend.
    #[must_use]
    pub fn recommends(mut self) -> Self {
        self.recommends = true;
        self
    }

    /// Prefers the versions of a release: `bookworm-backports`.
    #[must_use]
    pub fn default_release(mut self, name: impl Into<String>) -> Self {
        self.default_release = Some(name.into());
        self
    }

    /// Keeps the packages from being upgraded by others.
    #[must_use]
    pub fn held(mut self) -> Self {
        self.held = Some(true);
        self
    }

    /// Lets others upgrade the packages.
    #[must_use]
    pub fn unheld(mut self) -> Self {
        self.held = Some(false);
        self
    }

    /// Removes the packages; their configuration stays.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = Some(Absent::Removed);
        self
    }

    /// Removes the packages with their configuration.
    #[must_use]
    pub fn purged(mut self) -> Self {
        self.absent = Some(Absent::Purged);
        self
    }

    /// Sets how long another program may hold the packages before this gives up.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// Refuses what cannot be, without a look at a host.
    pub(super) fn check(&self) -> Result {
        demand!(!self.packages.is_empty(), code::OPTION_MISSING, "no package is named");
        for Wanted { name, version } in &self.packages {
            let is_name = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && name.chars().all(|c| c.is_ascii_lowercase() || "0123456789+-.:".contains(c))
                // With this apt would remove it.
                && !name.ends_with('-');
            demand!(is_name, code::NOT_A_NAME, "`{name}` cannot be the name of a package");
            let Some(version) = version else { continue };
            let is_version = version.starts_with(|c: char| c.is_ascii_alphanumeric())
                && version.chars().all(|c| c.is_ascii_alphanumeric() || ".+-:~".contains(c));
            demand!(
                is_version,
                code::OPTION_VALUE,
                "`{version}` cannot be a version of package `{name}`"
            );
        }
        if self.absent.is_some() {
            let unused = self.held.is_some() || self.latest;
            demand!(
                !unused,
                code::OPTIONS_CLASH,
                "neither a hold nor `.latest()` means something to absent packages"
            );
        }
        Ok(())
    }

    /// What differs of one package, but for its hold.
    fn change(
        &self,
        wanted: &Wanted,
        installed: &Installed,
        newer: Option<&Upgradable>,
    ) -> Option<Change> {
        let Wanted { name, version } = wanted;
        let present = installed.package(name);
        if let Some(absent) = self.absent {
            let present = present?;
            let what = if present.is_unpacked() {
                format!("package {name} {}", present.version)
            } else if absent == Absent::Purged && present.has_configuration() {
                format!("configuration of package {name}")
            } else {
                return None;
            };
            return Some(Change::remove(what));
        }
        let Some(present) = present.filter(|present| present.is_unpacked()) else {
            if version.is_none() && installed.provides(name) {
                return None;
            }
            let version = version.iter().map(|version| format!(" {version}"));
            return Some(Change::create(format!("package {name}{}", version.collect::<String>())));
        };
        if !present.is_installed() {
            return Some(format!("package {name} is {}, not installed", present.status).into());
        }
        let newest = newer.and_then(|newer| newer.version(name));
        let to = version.as_deref().or(newest).filter(|to| *to != present.version)?;
        Some(Change::property(format!("version of {name}"), &present.version, to))
    }

    /// The packages whose hold is another than what was asked for.
    fn wrongly_held<'a>(&'a self, installed: &'a Installed) -> impl Iterator<Item = &'a Wanted> {
        let held = self.held.filter(|_| self.absent.is_none());
        self.packages.iter().filter(move |wanted| {
            let is_held = installed.package(&wanted.name).is_some_and(Package::is_held);
            held.is_some_and(|held| held != is_held)
        })
    }

    /// What is newer than what is installed, if that is asked for.
    fn newer(&self, probe: &Probe<'_>) -> Result<Option<std::sync::Arc<Upgradable>>> {
        self.latest.then(|| probe.snapshot::<Upgradable>()).transpose()
    }

    fn install(&self, machine: &Machine<'_>) -> Result {
        if !index::is_younger(machine, self.index_age)? {
            index::refresh(machine, &[], self.lock_timeout)?;
        }
        let (installed, newer) = (machine.snapshot::<Installed>()?, self.newer(machine)?);
        let stale = |wanted: &&Wanted| self.change(wanted, &installed, newer.as_deref()).is_some();
        let packages: Vec<_> =
            self.packages.iter().filter(stale).map(|it| it.joined("=")).collect();
        if packages.is_empty() {
            return Ok(());
        }
        let mut install = vec!["install".to_owned()];
        if !self.recommends {
            install.push("--no-install-recommends".to_owned());
        }
        if let Some(release) = &self.default_release {
            install.extend(["--target-release".to_owned(), release.clone()]);
        }
        if self.packages.iter().any(|wanted| wanted.version.is_some()) {
            install.push("--allow-downgrades".to_owned());
        }
        // A hold is about what others do.
        install.push("--allow-change-held-packages".to_owned());
        install.push("--".to_owned());
        install.extend(packages);
        let unknown = match tools::apt_get(machine, &install, self.lock_timeout) {
            Err(error) if tools::is_unknown(&error) => error,
            done => return done,
        };
        // The index may be young, and yet older than the package.
        if index::refresh(machine, &[], self.lock_timeout).is_err() {
            return Err(unknown).hint("the index of packages could not be fetched either");
        }
        tools::apt_get(machine, &install, self.lock_timeout)
            .hint("name a package and a version that `apt-cache policy` knows on the host")
    }
}

impl Component for Apt {
    fn key(&self) -> Option<Cow<'_, str>> {
        let names: Vec<_> = self.packages.iter().map(|wanted| &*wanted.name).collect();
        Some(names.join(" ").into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        if self.absent.is_none() {
            self.packages.iter().for_each(|wanted| scope.manages("apt", &wanted.name));
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let installed = probe.snapshot::<Installed>()?;
        let mut verdict = Verdict::current();
        if self.latest && !index::is_younger(probe, self.index_age)? {
            verdict.push("the index of packages is too old to tell what is the latest");
        }
        let newer = self.newer(probe)?;
        for wanted in &self.packages {
            self.change(wanted, &installed, newer.as_deref())
                .into_iter()
                .for_each(|change| verdict.push(change));
        }
        let shown = |held| if held { "yes" } else { "no" };
        for wanted in self.wrongly_held(&installed) {
            let to = self.held == Some(true);
            let name = format!("hold of {}", wanted.name);
            verdict.push(Change::property(name, shown(!to), shown(to)));
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _packages = tools::alone(machine)?;
        let Some(absent) = self.absent else {
            self.install(machine)?;
            let installed = machine.snapshot::<Installed>()?;
            let names: Vec<_> = self.wrongly_held(&installed).map(|wanted| &*wanted.name).collect();
            if names.is_empty() {
                return Ok(());
            }
            let mark = if self.held == Some(true) { "hold" } else { "unhold" };
            return tools::apt_mark(machine, mark, &names);
        };
        let verb = if absent == Absent::Purged { "purge" } else { "remove" };
        let mut remove = vec![verb.to_owned(), "--allow-change-held-packages".to_owned()];
        remove.push("--".to_owned());
        let installed = machine.snapshot::<Installed>()?;
        // The index need not know one that is not there.
        let there = self.packages.iter().filter(|it| self.change(it, &installed, None).is_some());
        let there: Vec<_> = there.map(|wanted| wanted.name.clone()).collect();
        if there.is_empty() {
            return Ok(());
        }
        remove.extend(there);
        tools::apt_get(machine, &remove, self.lock_timeout)
    }
}

#[cfg(test)]
mod tests;
