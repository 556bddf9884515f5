//! Packages of whichever platform a host has.

mod platform;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use togusa_core::demand;
use togusa_core::fault;
use togusa_core::names::nearest;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::manager::{self, Manager};
use super::{Apk, Apt, Brew, Dnf, Pacman, Pkg, Snap, Zypper};
use platform::{Platform, Program};

/// Packages, which are there or not, on whichever platform the host has.
///
/// | platform | its family | looked after by |
/// |---|---|---|
/// | Debian, Ubuntu and their like | `debian` | [`Apt`] |
/// | Fedora, RHEL and their like | `fedora` | [`Dnf`] |
/// | Alpine Linux | `alpine` | [`Apk`] |
/// | Arch Linux and its like | `arch` | [`Pacman`] |
/// | openSUSE, SLES | `suse` | [`Zypper`] |
/// | macOS | `macos` | [`Brew`] |
/// | FreeBSD, DragonFly | `freebsd` | [`Pkg`] |
/// | Ubuntu Core | `ubuntu-core` | [`Snap`] |
///
/// The platform is the one that the environment names, if it is one of these, else the one that the host
/// says to have: the `ID` or the `ID_LIKE` of its `/etc/os-release`. A package is named as for those
/// components: `nginx`, or `nginx=1.22.1-9` in a version, which seldom fits another platform.
///
/// | attribute | default |
/// |---|---|
/// | `on` | the same names everywhere; else others for a platform, a `fedora` or an `ubuntu`, or none |
/// | `user` | the converging user; for Homebrew alone |
///
/// `verify` and `update` are those of what looks after the packages. What else that can do is asked of it
/// by itself, such as by `scope.add_on("debian", Apt::new("nginx").held())`.
///
/// **Needs**: what the component for the platform needs.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Package::new("nginx"));
///     scope.add(Package::new("apache2").on("fedora", ["httpd"]).on("freebsd", ["apache24"]));
///     scope.add(Package::new("telnet").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Package {
    names: Vec<String>,
    on: BTreeMap<String, Vec<String>>,
    user: Option<String>,
    absent: bool,
    /// What looks after them, where the environment names the platform.
    chosen: Option<Vec<Box<dyn Kind>>>,
}

/// What looks after packages of one platform.
trait Kind: Component {
    /// Refuses what cannot be.
    fn check(&self) -> Result;
}

impl<M: Manager> Kind for M {
    fn check(&self) -> Result {
        manager::check(self)
    }
}

impl Kind for Apt {
    fn check(&self) -> Result {
        Self::check(self)
    }
}

impl Kind for Snap {
    fn check(&self) -> Result {
        Self::check(self)
    }
}

impl Package {
    /// One package.
    pub fn new(package: impl AsRef<str>) -> Self {
        Self::all([package])
    }

    /// Several packages, installed at once.
    pub fn all(packages: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self {
            names: packages.into_iter().map(|name| name.as_ref().to_owned()).collect(),
            on: BTreeMap::new(),
            user: None,
            absent: false,
            chosen: None,
        }
    }

    /// Names the packages on a platform or its family; none of them means that it needs none.
    #[must_use]
    pub fn on(
        mut self,
        platform: impl Into<String>,
        packages: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        let packages = packages.into_iter().map(|name| name.as_ref().to_owned()).collect();
        self.on.insert(platform.into(), packages);
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
        self.absent = true;
        self
    }

    /// What looks after the packages of a platform.
    fn kinds(&self, platform: &Platform) -> Vec<Box<dyn Kind>> {
        let given = platform.words.iter().find_map(|word| self.on.get(word));
        let names = given.unwrap_or(&self.names);
        if names.is_empty() {
            return Vec::new();
        }
        macro_rules! kind {
            ($kind:expr) => {{
                let kind = $kind;
                let kind: Box<dyn Kind> =
                    if self.absent { Box::new(kind.absent()) } else { Box::new(kind) };
                kind
            }};
        }
        vec![match platform.program {
            Program::Apt => kind!(Apt::all(names)),
            Program::Dnf => kind!(Dnf::all(names)),
            Program::Apk => kind!(Apk::all(names)),
            Program::Pacman => kind!(Pacman::all(names)),
            Program::Zypper => kind!(Zypper::all(names)),
            Program::Pkg => kind!(Pkg::all(names)),
            Program::Brew => match &self.user {
                Some(user) => kind!(Brew::all(names).user(user)),
                None => kind!(Brew::all(names)),
            },
            Program::Snap => return names.iter().map(|name| kind!(Snap::new(name))).collect(),
        }]
    }

    /// What looks after the packages of the host, by itself or by what it was told.
    fn with_kinds<T>(
        &self,
        probe: &Probe<'_>,
        use_them: impl FnOnce(&[Box<dyn Kind>]) -> Result<T>,
    ) -> Result<T> {
        if let Some(chosen) = &self.chosen {
            return use_them(chosen);
        }
        let Some(platform) = Platform::of(probe)? else {
            let release = &probe.facts().release;
            return Err(fault!(
                code::PLATFORM_UNKNOWN,
                "it is not known what looks after the packages of `{release}`"
            ))
            .hint("name a platform that it is like, such as `platform = \"debian\"` for the host");
        };
        let kinds = self.kinds(&platform);
        kinds.iter().try_for_each(|kind| kind.check())?;
        use_them(&kinds)
    }
}

impl Component for Package {
    fn key(&self) -> Option<Cow<'_, str>> {
        let names = self.names.iter().map(|name| name.split('=').next().unwrap_or(name));
        Some(names.collect::<Vec<_>>().join(" ").into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        demand!(!self.names.is_empty(), code::OPTION_MISSING, "no package is named");
        for platform in self.on.keys() {
            if Platform::named(platform).is_some() {
                continue;
            }
            let fault = fault!(code::NO_PLATFORM, "`{platform}` is no platform with packages");
            let near = nearest(platform, Platform::names());
            return Err(fault).hint(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a family, such as `debian` or `fedora`".to_owned(),
            });
        }
        let Some(platform) = scope.platform().and_then(Platform::named) else {
            if !self.absent {
                self.names.iter().for_each(|name| scope.manages("package", name));
            }
            return Ok(());
        };
        let mut kinds = self.kinds(&platform);
        for kind in &mut kinds {
            kind.configure(scope)?;
        }
        self.chosen = Some(kinds);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.with_kinds(probe, |kinds| {
            kinds.iter().try_fold(Verdict::current(), |all, kind| Ok(all.and(kind.verify(probe)?)))
        })
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.with_kinds(machine, |kinds| kinds.iter().try_for_each(|kind| kind.update(machine)))
    }
}
