//! Programs of crates.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use togusa_core::demand;
use togusa_core::host::ExecError;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::location::{Location, Place};

/// The programs of a crate, built and installed by `cargo install`.
///
/// | attribute | default |
/// |---|---|
/// | `version` | whichever is there, else the newest one; given as a whole, such as `14.1.0` |
/// | `path`, `git` | the registry; a path needs its `version`, git a commit by its 40 digits |
/// | `features` | none beside the crate's own default |
/// | `without_default_features` | no |
/// | `locked` | no: dependencies are the newest that fit |
/// | `program` | `cargo`: a name, or an absolute path where it is in no usual place |
/// | `options` | none: as `--offline`, `--bin NAME` or `--target-dir DIR` |
/// | `user` | the converging user |
/// | `timeout` | two hours |
///
/// Programs lie in `bin` of the root that is given, beside `.crates2.json`, cargo's own note of what it
/// installed. `verify` reads this note, starts no cargo, and looks whether each program is there: version,
/// features, whether it is from the registry, a path or git, and from which commit. What is changed in
/// a path without another version is not seen, and neither is another lock file.
///
/// `update` builds and installs it anew. [`absent`](Self::absent) removes its programs by
/// `cargo uninstall`. No privilege is needed but to write into the root.
///
/// **Needs**: `cargo`, and what the crate is built with.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(CargoInstall::new("ripgrep", "/usr/local").version("14.1.0").locked());
///     let app = GitCheckout::new("https://example.org/app.git", "src").tag("v1.2.0");
///     let app = scope.add(app);
///     scope.add(CargoInstall::new("app", "rust").path(app.path()).version("1.2.0"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct CargoInstall {
    name: String,
    root: Place,
    version: Option<String>,
    path: Option<Location>,
    source: Option<HostPath>,
    git: Option<(String, String)>,
    features: BTreeSet<String>,
    default_features: bool,
    locked: bool,
    program: String,
    options: Vec<String>,
    user: Option<String>,
    timeout: Duration,
    absent: bool,
}

/// What cargo noted of a crate.
#[derive(Debug, Default, PartialEq)]
struct Installed {
    version: String,
    /// As `registry+https://…`, `path+file://…`, `git+https://…#COMMIT`.
    source: String,
    features: BTreeSet<String>,
    default_features: bool,
    programs: Vec<String>,
}

impl CargoInstall {
    /// A crate, below a root; a relative one lies in the root's work directory.
    pub fn new(name: impl Into<String>, root: impl Into<Location>) -> Self {
        Self {
            name: name.into(),
            root: Place::new(root.into()),
            version: None,
            path: None,
            source: None,
            git: None,
            features: BTreeSet::new(),
            default_features: true,
            locked: false,
            program: "cargo".into(),
            options: Vec::new(),
            user: None,
            timeout: Duration::from_secs(2 * 60 * 60),
            absent: false,
        }
    }

    /// Sets the version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Builds a crate that lies on the host, such as one of a checkout.
    #[must_use]
    pub fn path(mut self, directory: impl Into<Location>) -> Self {
        self.path = Some(directory.into());
        self
    }

    /// Builds a commit of a git repository.
    #[must_use]
    pub fn git(mut self, url: impl Into<String>, commit: impl Into<String>) -> Self {
        self.git = Some((url.into(), commit.into().to_ascii_lowercase()));
        self
    }

    /// Adds features of the crate.
    #[must_use]
    pub fn features(mut self, features: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.features.extend(features.into_iter().map(Into::into));
        self
    }

    /// Leaves out the default features.
    #[must_use]
    pub fn without_default_features(mut self) -> Self {
        self.default_features = false;
        self
    }

    /// Takes the versions of dependencies from the lock file of the crate.
    #[must_use]
    pub fn locked(mut self) -> Self {
        self.locked = true;
        self
    }

    /// Sets which cargo it is built with.
    #[must_use]
    pub fn program(mut self, program: impl Into<String>) -> Self {
        self.program = program.into();
        self
    }

    /// Adds options of `cargo install`.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Builds and installs as another user.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets how long the build may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Removes its programs.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn cargo(&self, machine: &Machine<'_>, command: &str) -> Exec {
        let root = machine.local(self.root.path()).to_string_lossy().into_owned();
        let exec = Exec::new(&*self.program).args([command, "--root", &*root]);
        match &self.user {
            Some(user) => exec.timeout(self.timeout).user(user),
            None => exec.timeout(self.timeout),
        }
    }

    fn run(&self, machine: &Machine<'_>, exec: &Exec) -> Result {
        match machine.run(exec) {
            Err(error) if matches!(error.downcast_ref(), Some(ExecError::NotFound { .. })) => {
                Err(error).hint("install Rust on the host: package `cargo`, or by rustup")
            }
            ran => ran.map(|_| ()),
        }
    }

    fn installed(&self, probe: &Probe<'_>) -> Result<Option<Installed>> {
        let note = self.root.path().join(".crates2.json");
        if probe.entry(&note)?.is_none() {
            return Ok(None);
        }
        Ok(noted(&probe.read(&note)?, &self.name))
    }

    /// Where it shall be from, and where it is from, as far as they differ.
    fn other_source(&self, source: &str) -> Option<Change> {
        let kind = source.split('+').next().unwrap_or_default();
        // An index of a registry that is read over HTTP.
        let kind = if kind == "sparse" { "registry" } else { kind };
        let commit = source.rsplit_once('#').map_or("", |(_, commit)| commit);
        match (&self.git, &self.path) {
            (Some((_, wanted)), _) if kind == "git" => {
                (commit != wanted).then(|| Change::property("commit", commit, wanted))
            }
            (Some(_), _) => Some(Change::property("source", kind, "git")),
            (None, Some(_)) => (kind != "path").then(|| Change::property("source", kind, "path")),
            (None, None) => {
                (kind != "registry").then(|| Change::property("source", kind, "registry"))
            }
        }
    }
}

/// Reads what cargo noted of a crate in `.crates2.json`; what cannot be understood is as good as nothing.
fn noted(json: &[u8], name: &str) -> Option<Installed> {
    let json: Value = serde_json::from_slice(json).ok()?;
    let (key, value) = json
        .get("installs")?
        .as_object()?
        .iter()
        .find(|(key, _)| key.split(' ').next() == Some(name))?;
    let mut words = key.splitn(3, ' ').skip(1);
    let texts = |name: &str| {
        let all = value.get(name).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned)
    };
    Some(Installed {
        version: words.next()?.to_owned(),
        source: words.next()?.trim_matches(['(', ')']).to_owned(),
        features: texts("features").collect(),
        default_features: value.get("no_default_features") != Some(&Value::Bool(true)),
        programs: texts("bins").collect(),
    })
}

/// Features as they are shown.
fn shown(features: &BTreeSet<String>, default: bool) -> String {
    let default = default.then_some("default");
    let all: Vec<_> = default.into_iter().chain(features.iter().map(String::as_str)).collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

impl Component for CargoInstall {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let usual = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let name = &self.name;
        let plain = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(usual);
        demand!(plain, code::NOT_A_NAME, "`{name}` is no name of a crate");
        if let Some(version) = &self.version {
            let digit = version.starts_with(|c: char| c.is_ascii_digit());
            let usual = |c: char| c.is_ascii_alphanumeric() || ".-+".contains(c);
            let whole = digit && version.chars().all(usual) && version.split('.').count() >= 3;
            demand!(whole, code::OPTION_VALUE, "`{version}` is no whole version, such as `1.4.0`");
        }
        let both = self.path.is_some() && self.git.is_some();
        demand!(!both, code::OPTIONS_CLASH, "it is built from a path and from git");
        demand!(
            self.path.is_none() || self.version.is_some() || self.absent,
            code::OPTION_MISSING,
            "by a path alone it is not known which version is to be there"
        );
        if let Some((url, commit)) = &self.git {
            let whole = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            demand!(whole, code::OPTION_VALUE, "`{commit}` is no commit by its 40 digits");
            demand!(!url.starts_with('-'), code::ADDRESS_FORM, "`{url}` is no URL");
            scope.check_arguments(&Exec::new("cargo").arg(url))?;
        }
        self.root.resolve(&format!("cargo {}", self.name), scope)?;
        self.source = self.path.as_ref().map(|path| path.resolve(scope)).transpose()?;
        scope.check_arguments(&Exec::new("cargo").args(&self.options))
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let name = &self.name;
        let installed = self.installed(probe)?;
        if self.absent {
            let gone = installed.map(|it| Change::remove(format!("crate {name} {}", it.version)));
            return Ok(gone.into_iter().collect());
        }
        let Some(there) = installed else {
            let version = self.version.as_deref().map_or_else(String::new, |it| format!(" {it}"));
            return Ok(Verdict::stale(Change::create(format!("crate {name}{version}"))));
        };
        let mut verdict = Verdict::current();
        if let Some(version) = self.version.as_deref().filter(|version| *version != there.version) {
            verdict.push(Change::property("version", &there.version, version));
        }
        if let Some(change) = self.other_source(&there.source) {
            verdict.push(change);
        }
        let features = shown(&there.features, there.default_features);
        let wanted = shown(&self.features, self.default_features);
        if features != wanted {
            verdict.push(Change::property("features", &features, &wanted));
        }
        for program in &there.programs {
            let path = self.root.path().join("bin").join(program);
            if probe.entry(&path)?.is_none() {
                verdict.push(Change::create(format!("program `{program}`")));
            }
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.absent {
            return self.run(machine, &self.cargo(machine, "uninstall").arg(&*self.name));
        }
        // What is there and differs is built again, also when it has this version.
        let mut install = self.cargo(machine, "install").arg("--force");
        if let Some((url, commit)) = &self.git {
            install = install.args(["--git", url, "--rev", commit]).arg(&*self.name);
        } else if let Some(source) = &self.source {
            install = install.args(["--path", &*machine.local(source).to_string_lossy()]);
        } else {
            install = install.arg(&*self.name);
            if let Some(version) = &self.version {
                install = install.args(["--version", &**version]);
            }
        }
        if !self.features.is_empty() {
            let features: Vec<_> = self.features.iter().map(String::as_str).collect();
            install = install.args(["--features", &*features.join(",")]);
        }
        install = install.args((!self.default_features).then_some("--no-default-features"));
        install = install.args(self.locked.then_some("--locked"));
        self.run(machine, &install.args(&self.options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As cargo 1.95 writes it, shortened.
    const NOTE: &str = r#"{"installs": {
        "a-tool 1.0.0 (path+file:///srv/tool)": {"version_req": null, "bins": ["tool"],
            "features": ["loud"], "all_features": false, "no_default_features": true},
        "b 2.1.0 (registry+https://github.com/rust-lang/crates.io-index)": {"bins": ["b", "c"],
            "features": [], "all_features": false, "no_default_features": false}
    }}"#;

    #[test]
    fn the_note_of_cargo_is_read() {
        let tool = noted(NOTE.as_bytes(), "a-tool").unwrap();
        assert_eq!((&*tool.version, &*tool.source), ("1.0.0", "path+file:///srv/tool"));
        assert_eq!(shown(&tool.features, tool.default_features), "loud");
        let other = noted(NOTE.as_bytes(), "b").unwrap();
        assert_eq!(other.programs, ["b", "c"]);
        assert_eq!(shown(&other.features, other.default_features), "default");
        assert_eq!(noted(NOTE.as_bytes(), "a"), None);
        assert_eq!(noted(b"{ broken", "a"), None);
    }

    #[test]
    fn another_source_is_told() {
        let told = |crate_: CargoInstall, source| {
            crate_.other_source(source).map(|change| change.to_string())
        };
        let new = || CargoInstall::new("a", "r");
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let git = format!("git+https://a.org/x?rev={commit}#{commit}");
        for registry in ["registry+https://github.com/x", "sparse+https://index.crates.io/"] {
            assert_eq!(told(new(), registry), None, "{registry}");
        }
        assert_eq!(told(new(), &git).as_deref(), Some("source git → registry"));
        assert_eq!(told(new().path("x"), &git).as_deref(), Some("source git → path"));
        assert_eq!(told(new().path("x"), "path+file:///x"), None);
        assert_eq!(told(new().git("u", commit), &git), None);
        let other = format!("git+https://a.org/x#{}", "a".repeat(40));
        let changed = format!("commit {} → {commit}", "a".repeat(40));
        assert_eq!(told(new().git("u", commit), &other), Some(changed));
        let path = told(new().git("u", commit), "path+file:///x");
        assert_eq!(path.as_deref(), Some("source path → git"));
    }
}
