//! What is installed, and what could be.

use std::collections::{BTreeMap, BTreeSet};

use togusa_core::demand;
use togusa_core::host::{ExecError, Snapshot};
use togusa_core::prelude::*;
use togusa_core::problem::code;

/// What dpkg knows of all packages, by one query.
#[derive(Debug, Default)]
pub(super) struct Installed {
    packages: BTreeMap<String, Package>,
    provided: BTreeSet<String>,
}

/// What dpkg knows of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) version: String,
    /// What was asked for: `install`, `hold`, `deinstall`.
    want: String,
    /// How far that came: `installed`, `half-configured`, `config-files`.
    pub(super) status: String,
}

const FORMAT: &str = "${Package}\\t${Architecture}\\t${Version}\\t${db:Status-Want}\\t\
                      ${db:Status-Status}\\t${Provides}\\n";

impl Snapshot for Installed {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let query = Exec::new("dpkg-query").args(["--show", "--showformat", FORMAT]);
        let output = remedied(probe.query(&query))?;
        demand!(
            !output.truncated,
            code::DEFECT,
            "`dpkg-query` tells of more packages than can be read"
        );
        Ok(Self::parse(&output.stdout_text()))
    }
}

impl Installed {
    pub(super) fn parse(text: &str) -> Self {
        let mut all = Self::default();
        for line in text.lines() {
            let [name, architecture, version, want, status, provides] =
                line.split('\t').collect::<Vec<_>>()[..]
            else {
                continue;
            };
            let [version, want, status] = [version, want, status].map(str::to_owned);
            let package = Package { version, want, status };
            if package.is_installed() {
                let provided = provides.split(',').filter_map(|one| one.split_whitespace().next());
                all.provided.extend(provided.map(str::to_owned));
            }
            all.packages.insert(format!("{name}:{architecture}"), package.clone());
            // Without an architecture a name means the one that is there.
            let known = all.packages.get(name);
            if known.is_none_or(|known| !known.is_installed()) {
                all.packages.insert(name.to_owned(), package);
            }
        }
        all
    }

    pub(super) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.get(name)
    }

    /// Whether an installed package stands for that name.
    pub(super) fn provides(&self, name: &str) -> bool {
        self.provided.contains(name)
    }
}

impl Package {
    pub(super) fn is_installed(&self) -> bool {
        self.status == "installed"
    }

    /// Whether more than its configuration is there.
    pub(super) fn is_unpacked(&self) -> bool {
        !matches!(&*self.status, "not-installed" | "config-files")
    }

    pub(super) fn has_configuration(&self) -> bool {
        self.status == "config-files"
    }

    pub(super) fn is_held(&self) -> bool {
        self.want == "hold"
    }
}

/// The packages of which the index has a newer version that apt would choose.
#[derive(Debug, Default)]
pub(super) struct Upgradable(BTreeMap<String, String>);

impl Snapshot for Upgradable {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        // It warns that its output may change; the form of a line has not since 2014.
        let list = Exec::new("apt").args(["list", "--upgradable"]);
        Ok(Self::parse(&remedied(probe.query(&list))?.stdout_text()))
    }
}

impl Upgradable {
    /// Reads lines like `apt/stable,now 2.6.2 amd64 [upgradable from: 2.6.1]`.
    pub(super) fn parse(text: &str) -> Self {
        let mut all = BTreeMap::new();
        for line in text.lines() {
            let [place, version, architecture, ..] = line.split(' ').collect::<Vec<_>>()[..] else {
                continue;
            };
            let Some((name, _)) = place.split_once('/') else { continue };
            all.insert(format!("{name}:{architecture}"), version.to_owned());
            all.entry(name.to_owned()).or_insert_with(|| version.to_owned());
        }
        Self(all)
    }

    pub(super) fn version(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Says what is wrong with a host that has no such program.
pub(super) fn remedied<T>(result: Result<T>) -> Result<T> {
    match result {
        Err(error) if matches!(error.downcast_ref(), Some(ExecError::NotFound { .. })) => {
            Err(error).hint(
                "packages of apt are for Debian, Ubuntu and their like; there, `dpkg-query` is in \
                 package `dpkg`, and `apt-get` in package `apt`",
            )
        }
        result => result,
    }
}
