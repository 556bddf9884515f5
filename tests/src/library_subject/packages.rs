//! Roots of packages.

use std::time::Duration;

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .with::<Packages>("packages")
        .with::<Packages>("more-packages")
        .with::<Repository>("repository")
        .with::<Venv>("venv")
        .with::<NodePackage>("npm")
        .with::<AnyPackage>("package")
}

/// Some packages.
#[derive(Debug, Attributes)]
struct Packages {
    packages: Vec<String>,
    #[attribute(default = false)]
    latest: bool,
    index_age: Option<Duration>,
    lock_timeout: Option<Duration>,
    #[attribute(default = false)]
    recommends: bool,
    held: Option<bool>,
    #[attribute(default = false)]
    absent: bool,
    #[attribute(default = false)]
    purged: bool,
}

impl Component for Packages {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let apt = Apt::all(&self.packages);
        set!(apt: index_age = self.index_age, lock_timeout = self.lock_timeout);
        ask!(apt:
            latest if self.latest,
            recommends if self.recommends,
            held if self.held == Some(true),
            unheld if self.held == Some(false),
            absent if self.absent,
            purged if self.purged,
        );
        scope.add(apt);
        Ok(())
    }
}

/// Packages of whichever platform.
#[derive(Debug, Attributes)]
struct AnyPackage {
    packages: Vec<String>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AnyPackage {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let package = Package::all(&self.packages);
        ask!(package: absent if self.absent);
        scope.add(package);
        Ok(())
    }
}

/// A source of packages.
#[derive(Debug, Attributes)]
struct Repository {
    name: String,
    uri: Option<String>,
    suite: Option<String>,
    components: Option<Vec<String>>,
    architectures: Option<Vec<String>>,
    key: Option<String>,
    #[attribute(default = false)]
    trusted: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for Repository {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let repository = AptRepository::new(&*self.name);
        set!(repository:
            uri = self.uri.as_ref(),
            suite = self.suite.as_ref(),
            components = self.components.as_ref(),
            architectures = self.architectures.as_ref(),
            key = self.key.as_ref(),
        );
        ask!(repository: trusted if self.trusted, absent if self.absent);
        scope.add(repository);
        Ok(())
    }
}

/// A package of npm.
#[derive(Debug, Attributes)]
struct NodePackage {
    package: Option<String>,
    version: Option<String>,
    source: Option<String>,
    directory: Option<String>,
    user: Option<String>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for NodePackage {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let npm = match (&self.package, &self.directory) {
            (Some(package), _) => Npm::new(package),
            (None, Some(directory)) => Npm::locked(&**directory),
            (None, None) => bail!("neither a package nor a directory"),
        };
        let npm = npm.options(["--offline"]);
        set!(npm:
            version = self.version.as_ref(),
            source = self.source.as_ref(),
            user = self.user.as_ref(),
        );
        ask!(npm: absent if self.absent);
        scope.add(npm);
        Ok(())
    }
}

/// A virtual environment.
#[derive(Debug, Attributes)]
struct Venv {
    path: String,
    requirements: Vec<String>,
    options: Vec<String>,
    python: Option<String>,
    user: Option<String>,
    #[attribute(default = false)]
    hashes: bool,
    #[attribute(default = false)]
    uv: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for Venv {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let venv = VirtualEnv::new(&*self.path).options(&self.options);
        let venv = self.requirements.iter().fold(venv, |venv, line| venv.requirement(line));
        set!(venv: python = self.python.as_ref(), user = self.user.as_ref());
        ask!(venv: require_hashes if self.hashes, uv if self.uv, absent if self.absent);
        scope.add(venv);
        Ok(())
    }
}
