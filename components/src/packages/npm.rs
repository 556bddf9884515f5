//! Packages of npm.

mod lock;

use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value;
use togusa_core::demand;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::ExecError;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::location::Location;

/// How long npm may take: it may have to compile.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// A package of npm, or all that the `package-lock.json` of a directory locks.
///
/// | attribute | default |
/// |---|---|
/// | `version` | whichever is there, else the newest one; given as a whole, such as `5.4.5` |
/// | `source` | the registry; else a tarball of the host or a URL, with its `version` |
/// | `prefix` | that of npm itself: where all users have their programs from |
/// | `directory` | none: the package is for the whole host, not for a project |
/// | `production` | no: of a lock file also what is for development |
/// | `options` | none: as `--registry URL`, `--ignore-scripts` or `--offline` |
/// | `user` | the converging user |
///
/// [`new`](Self::new) installs one package: for the whole host, below a `prefix`, or into a project's
/// `directory`, whose `package.json` and lock file then name it. [`locked`](Self::locked) runs
/// `npm ci` in a directory that has a lock file, such as that of a checkout.
///
/// `verify` starts no npm but to ask for its prefix, if none is given. It reads `package.json` of the
/// package and looks for its programs; of a lock file it compares each package with what npm noted of
/// its last installation, and with the version that lies there. What was changed within a package is
/// not seen.
///
/// `update` installs the package by `npm install`, or all that is locked by `npm ci`, which removes
/// everything beside it. [`absent`](Self::absent) removes the package, or `node_modules`. Scripts of
/// packages run as the `user`. A password for a registry belongs into the `.npmrc` of that user.
///
/// **Needs**: `npm`; root for the prefix of the system.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Npm::new("typescript").version("5.4.5"));
///     let app = GitCheckout::new("https://example.org/app.git", "/srv/app").tag("v1.2");
///     let app = scope.add(app.user("app"));
///     scope.add(Npm::locked(app.path()).production().user("app"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Npm {
    /// None for a lock file.
    package: Option<String>,
    version: Option<String>,
    source: Option<String>,
    prefix: Option<Location>,
    directory: Option<Location>,
    /// Of the prefix or the directory.
    path: Option<HostPath>,
    production: bool,
    options: Vec<String>,
    user: Option<String>,
    absent: bool,
}

impl Npm {
    /// A package, for the whole host unless told otherwise.
    pub fn new(package: impl Into<String>) -> Self {
        Self {
            package: Some(package.into()),
            version: None,
            source: None,
            prefix: None,
            directory: None,
            path: None,
            production: false,
            options: Vec::new(),
            user: None,
            absent: false,
        }
    }

    /// All that the `package-lock.json` of a directory locks.
    pub fn locked(directory: impl Into<Location>) -> Self {
        Self { package: None, ..Self::new("") }.directory(directory)
    }

    /// Sets the version of the package.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets what npm installs: a tarball of the host by its absolute path, or a URL.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Installs below another prefix: programs into its `bin`.
    #[must_use]
    pub fn prefix(mut self, path: impl Into<Location>) -> Self {
        self.prefix = Some(path.into());
        self
    }

    /// Installs for the project in a directory.
    #[must_use]
    pub fn directory(mut self, path: impl Into<Location>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Leaves out what is locked for development alone.
    #[must_use]
    pub fn production(mut self) -> Self {
        self.production = true;
        self
    }

    /// Adds options of npm for what it installs.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Runs npm as another user, whose the packages are then.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn npm(&self, args: &[&str]) -> Exec {
        let exec = Exec::new("npm").args(args.iter().copied()).timeout(TIMEOUT);
        let exec = exec.args(["--no-audit", "--no-fund", "--no-update-notifier"]);
        match &self.user {
            Some(user) => exec.user(user),
            None => exec,
        }
    }

    /// The prefix or the directory.
    fn place(&self, probe: &Probe<'_>) -> Result<HostPath> {
        if let Some(path) = &self.path {
            return Ok(path.clone());
        }
        let told = needing(probe.query(&self.npm(&["prefix", "--global"])))?.stdout_text();
        Ok(HostPath::new(&probe.host().name, told.trim()))
    }

    /// The directory of packages, and that of the programs that they bring.
    fn places(&self, probe: &Probe<'_>) -> Result<(HostPath, HostPath)> {
        let place = self.place(probe)?;
        Ok(match self.directory {
            Some(_) => (place.join("node_modules"), place.join("node_modules/.bin")),
            None => (place.join("lib/node_modules"), place.join("bin")),
        })
    }

    /// The way in which npm is told where.
    fn whereto(&self, machine: &Machine<'_>) -> Result<Vec<String>> {
        let place = machine.local(&self.place(machine)?).to_string_lossy().into_owned();
        let global = self.directory.is_none().then(|| "--global".to_owned());
        Ok(global.into_iter().chain(["--prefix".to_owned(), place]).collect())
    }

    fn verify_package(&self, probe: &Probe<'_>, package: &str) -> Result<Verdict> {
        let (packages, programs) = self.places(probe)?;
        let manifest = manifest(probe, &packages.join(package))?;
        let there = manifest.as_ref().map(|manifest| text(manifest, "version"));
        if self.absent {
            let entry = probe.entry(&packages.join(package))?;
            let gone = entry.map(|_| Change::remove(format!("package {package}")));
            return Ok(gone.into_iter().collect());
        }
        let Some((manifest, there)) = manifest.zip(there) else {
            let version = self.version.iter().map(|version| format!(" {version}"));
            let what: String =
                std::iter::once(format!("package {package}")).chain(version).collect();
            return Ok(Verdict::stale(Change::create(what)));
        };
        let mut verdict = Verdict::current();
        if let Some(version) = self.version.as_deref().filter(|version| *version != there) {
            verdict.push(Change::property("version", &there, version));
        }
        for program in bins(&manifest, package) {
            if probe.entry(&programs.join(&program))?.is_none() {
                verdict.push(Change::create(format!("program `{program}`")));
            }
        }
        Ok(verdict)
    }

    fn verify_locked(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let place = self.place(probe)?;
        let modules = place.join("node_modules");
        if self.absent {
            let entry = probe.entry(&modules)?;
            let gone = entry.map(|_| Change::remove("`node_modules` with all that it holds"));
            return Ok(gone.into_iter().collect());
        }
        let path = place.join("package-lock.json");
        let entry = probe.entry(&path)?;
        let there = entry
            .with_context(|| format!("there is no `{}`", probe.local(&path).display()))
            .code(code::NO_FILE);
        there.hint("let an earlier component bring it, or write it by `npm install`")?;
        let locked = lock::read(&probe.read_to_string(&path)?)?;
        let note = modules.join(".package-lock.json");
        let mut noted = match probe.entry(&note)? {
            // What npm cannot have written is as good as nothing.
            Some(_) => lock::read(&probe.read_to_string(&note)?).unwrap_or_default(),
            None => Default::default(),
        };
        let mut gone = Vec::new();
        for (path, noted) in &mut noted {
            match manifest(probe, &place.join(path))? {
                None => gone.push(path.clone()),
                Some(manifest) => noted.version = text(&manifest, "version"),
            }
        }
        noted.retain(|path, _| !gone.contains(path));
        let mut verdict: Verdict =
            lock::differences(&locked, &noted, self.production).into_iter().collect();
        if verdict.is_current() && probe.entry(&note)?.is_none() {
            verdict.push(Change::create("`node_modules`"));
        }
        Ok(verdict)
    }
}

/// What a package says of itself; `None` if it lies there not, or broken.
fn manifest(probe: &Probe<'_>, package: &HostPath) -> Result<Option<Value>> {
    let path = package.join("package.json");
    if probe.entry(&path)?.is_none() {
        return Ok(None);
    }
    Ok(serde_json::from_slice(&probe.read(&path)?).ok())
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The programs that a package brings.
fn bins(manifest: &Value, package: &str) -> Vec<String> {
    match manifest.get("bin") {
        // One program has the name of the package, without who it is of.
        Some(Value::String(_)) => vec![package.rsplit('/').next().unwrap_or(package).to_owned()],
        Some(Value::Object(all)) => all.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

/// Whether npm takes a text for the name of a package, and for nothing else.
fn is_name(package: &str) -> bool {
    let plain = |part: &str| {
        let usual = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && !part.starts_with(['.', '-']) && part.chars().all(usual)
    };
    match package.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').is_some_and(|(of, name)| plain(of) && plain(name)),
        None => plain(package),
    }
}

/// Says of a missing npm how to get it.
fn needing<T>(result: Result<T>) -> Result<T> {
    match result {
        Err(error) if matches!(error.downcast_ref(), Some(ExecError::NotFound { .. })) => {
            Err(error).hint("install the package `npm` on the host")
        }
        result => result,
    }
}

impl Component for Npm {
    fn key(&self) -> Option<Cow<'_, str>> {
        let of = self.directory.as_ref().or(self.prefix.as_ref()).map(Location::as_str);
        Some(match (&self.package, of) {
            (Some(package), None) => package.into(),
            (Some(package), Some(of)) => format!("{package} in {of}").into(),
            (None, of) => of.unwrap_or_default().into(),
        })
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let both = self.prefix.is_some() && self.directory.is_some();
        demand!(!both, code::OPTIONS_CLASH, "a package of a directory has no prefix");
        match &self.package {
            Some(package) => {
                demand!(is_name(package), code::NOT_A_NAME, "`{package}` is no name of a package");
                demand!(
                    !self.production,
                    code::OPTIONS_CLASH,
                    "`.production()` is for what is locked, not for one package"
                );
            }
            None => demand!(
                self.version.is_none() && self.source.is_none(),
                code::OPTIONS_CLASH,
                "what is locked has its versions and sources in the lock file"
            ),
        }
        if let Some(version) = &self.version {
            let digit = version.starts_with(|c: char| c.is_ascii_digit());
            let usual = |c: char| c.is_ascii_alphanumeric() || ".-+".contains(c);
            let whole = digit && version.chars().all(usual) && version.split('.').count() >= 3;
            demand!(whole, code::OPTION_VALUE, "`{version}` is no whole version, such as `5.4.5`");
        }
        if let Some(source) = &self.source {
            demand!(
                self.version.is_some() || self.absent,
                code::OPTION_MISSING,
                "by a source alone it is not known which version is to be there"
            );
            demand!(
                source.starts_with('/') || source.contains("://"),
                code::ADDRESS_FORM,
                "`{source}` is neither an absolute path nor a URL"
            );
        }
        if let Some(location) = self.directory.as_ref().or(self.prefix.as_ref()) {
            self.path = Some(location.resolve(scope)?);
        }
        let whereto = self.path.as_ref().map_or("", |path| path.as_str());
        let what = self.package.as_deref().unwrap_or("node_modules");
        scope.manages("npm", format!("{what} in {whereto}").as_str());
        scope.check_arguments(&Exec::new("npm").args(self.options.iter().chain(&self.source)))
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        match &self.package {
            Some(package) => self.verify_package(probe, package),
            None => self.verify_locked(probe),
        }
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        // npm knows no lock of its own, and two at once on the same directory break it.
        let _alone = machine.exclusive("npm");
        let run = |npm: Exec| needing(machine.run(&npm)).map(|_| ());
        let options = || self.options.iter().cloned();
        let Some(package) = &self.package else {
            let place = self.place(machine)?;
            if self.absent {
                return machine.remove(&place.join("node_modules"));
            }
            let omit = if self.production { "--omit=dev" } else { "--include=dev" };
            return run(self.npm(&["ci", omit]).args(options()).directory(&place));
        };
        let whereto = self.whereto(machine)?;
        if self.absent {
            run(self.npm(&["uninstall"]).args(whereto).args(options()).arg(package))?;
            // npm leaves what it does not take for a package.
            return machine.remove(&self.places(machine)?.0.join(package));
        }
        let what = match (&self.source, &self.version) {
            (Some(source), _) => source.clone(),
            (None, Some(version)) => format!("{package}@{version}"),
            (None, None) => package.clone(),
        };
        let install = self.npm(&["install", "--save-exact"]).args(whereto);
        run(install.args(options()).arg(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_are_nothing_else_to_npm() {
        for name in ["tool", "@at/tool", "a.b_c-1", "JSONStream"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a@1", "./a", "a/b", "@at", "@/a", "-g", "https://a", "a b", ".a"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn programs_are_those_of_the_manifest() {
        let of = |text: &str| bins(&serde_json::from_str(text).unwrap(), "@at/tool");
        assert_eq!(of(r#"{"bin": "cli.js"}"#), ["tool"]);
        assert_eq!(of(r#"{"bin": {"a": "a.js", "b": "b.js"}}"#), ["a", "b"]);
        assert!(of("{}").is_empty());
    }
}
