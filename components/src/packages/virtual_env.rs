//! Virtual environments of Python.

mod metadata;
mod requirements;

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::host::{Entry, ExecError, Failure, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use crate::access;
use crate::location::{Location, Place};

use metadata::Environment;
use requirements::Requirements;

/// How long an installation may take: it may have to compile.
const TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);

/// A virtual environment of Python with what is installed in it.
///
/// | attribute | default |
/// |---|---|
/// | `python` | `python3`: a program, which may name a version, such as `python3.12` |
/// | `requirement`, `requirements`, `requirements_file` | nothing is installed |
/// | `require_hashes` | no: a requirement may come without its hashes |
/// | `uv` | no: `python -m venv` makes it, and its own pip installs |
/// | `options` | none: as `--no-index`, `--find-links DIR` or `--index-url URL` |
/// | `user` | the converging user |
///
/// Requirements have the form of a `requirements.txt`. They all go into one file, so that a line in
/// them that names another file does so by its absolute path.
///
/// `verify` looks at the environment itself and starts no pip: whether its interpreter is there and
/// has the version that the environment was made for, and which packages lie in it. A package that
/// is pinned by `==` must have that version, one that is named must be there; of what else was
/// changed in a requirement tells the text of the last installation, which lies in the environment.
/// Packages beside the required ones are left alone.
///
/// `update` makes an environment that is broken or for another Python anew, with all that was in it,
/// and installs the requirements; a directory that holds something else is an error. It needs the package `python3-venv`, or `uv`; no privilege, but for
/// another user root.
///
/// **Needs**: `python3` with `venv`, or `uv`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let venv = VirtualEnv::new("venv").requirement("flask==3.0.3").requirement("gunicorn");
///     let venv = scope.add(venv.options(["--index-url", "https://pypi.example.org/simple"]));
///     let migrate = Exec::new("venv/bin/flask").args(["db", "upgrade"]);
///     scope.on_change(&venv).add(Command::new(migrate).on_trigger_only());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct VirtualEnv {
    place: Place,
    python: String,
    requirements: Requirements,
    require_hashes: bool,
    uv: bool,
    options: Vec<String>,
    user: Option<String>,
    absent: bool,
}

impl VirtualEnv {
    /// An environment at a path; a relative one lies in the root's work directory.
    pub fn new(path: impl Into<Location>) -> Self {
        Self {
            place: Place::new(path.into()),
            python: "python3".into(),
            requirements: Requirements::default(),
            require_hashes: false,
            uv: false,
            options: Vec::new(),
            user: None,
            absent: false,
        }
    }

    /// Sets the Python that it is made with: a name or an absolute path.
    #[must_use]
    pub fn python(mut self, program: impl Into<String>) -> Self {
        self.python = program.into();
        self
    }

    /// Installs what one line of a `requirements.txt` says: `flask==3.0.3`.
    #[must_use]
    pub fn requirement(mut self, line: impl Into<String>) -> Self {
        self.requirements.lines.push(line.into());
        self
    }

    /// Installs what an asset says, a `requirements.txt`.
    #[must_use]
    pub fn requirements(mut self, asset: impl Into<String>) -> Self {
        self.requirements.sources.push(asset.into());
        self
    }

    /// Installs what a file on the host says, such as one of a checkout.
    #[must_use]
    pub fn requirements_file(mut self, path: impl Into<Location>) -> Self {
        self.requirements.files.push(path.into());
        self
    }

    /// Refuses what comes without a hash, or with another one.
    #[must_use]
    pub fn require_hashes(mut self) -> Self {
        self.require_hashes = true;
        self
    }

    /// Makes it and installs by `uv`.
    #[must_use]
    pub fn uv(mut self) -> Self {
        self.uv = true;
        self
    }

    /// Adds options of `pip install`. What is secret among them belongs into a file `pip.conf`.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Makes it as another user, whose it is then.
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

    /// The path on the host.
    ///
    /// # Panics
    /// The environment was not added yet.
    #[track_caller]
    pub fn path(&self) -> &HostPath {
        self.place.path()
    }

    /// The version that the Python's name says: `3.12`.
    fn wanted_version(&self) -> Option<&str> {
        metadata::version_in_name(self.python.rsplit('/').next()?)
    }

    /// What the environment must be made anew for.
    fn rebuilt_for(&self, probe: &Probe<'_>) -> Result<Option<Change>> {
        let path = self.path();
        let Some(entry) = probe.entry(path)? else {
            return Ok(Some(Change::create("virtual environment")));
        };
        if !entry.is_directory() {
            return Ok(Some(access::removed(&entry, "")));
        }
        let environment = Environment { path, user: self.user.as_deref() };
        let Some(made_for) = environment.made_for(probe)? else {
            self.check_own(probe)?;
            return Ok(Some("it is no whole virtual environment".into()));
        };
        let Some(interpreter) = environment.interpreter(probe)? else {
            return Ok(Some("its interpreter is gone".into()));
        };
        let wanted = self.wanted_version().unwrap_or(&interpreter);
        Ok((made_for != wanted || interpreter != wanted)
            .then(|| Change::property("python", &made_for, wanted)))
    }

    /// Refuses a directory that holds something, and never was an environment.
    fn check_own(&self, probe: &Probe<'_>) -> Result {
        let path = self.path();
        for name in ["pyvenv.cfg", requirements::DRAFT, requirements::RECORD] {
            if probe.entry(&path.join(name))?.is_some() {
                return Ok(());
            }
        }
        if probe.list(path)?.is_empty() {
            return Ok(());
        }
        let local = probe.local(path);
        Err(fault!(
            code::DIRECTORY_OCCUPIED,
            "`{}` holds files, and is no virtual environment",
            local.display()
        ))
        .hint("remove it, or give the environment another path")
    }

    /// Of the files that tell what is installed: an address may hold a password.
    fn ownership(&self, probe: &Probe<'_>, text: &str) -> Ownership {
        let mode = if probe.is_sensitive(text.as_bytes()) { 0o600 } else { 0o644 };
        Ownership { mode: Some(mode), owner: self.user.clone(), group: None }
    }

    fn exec(&self, program: impl Into<String>) -> Exec {
        let exec = Exec::new(program).timeout(TIMEOUT);
        // pip of its own accord asks for nothing, but for what a repository wants.
        let exec = exec.env("PIP_NO_INPUT", "1").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        match &self.user {
            Some(user) => exec.user(user),
            None => exec,
        }
    }

    fn make(&self, machine: &Machine<'_>) -> Result {
        let path = self.path();
        if machine.entry(path)?.is_some_and(|entry| !entry.is_directory()) {
            machine.remove(path)?;
        }
        // Another user may not write into the directory above.
        let ownership = Ownership { mode: None, owner: self.user.clone(), group: None };
        machine.create_directory(path, &ownership)?;
        // What is cut off from here on is known for an environment by this.
        machine.write(&path.join(requirements::DRAFT), "", &self.ownership(machine, ""))?;
        for name in machine.list(path)?.iter().filter(|name| *name != requirements::DRAFT) {
            machine.remove(&path.join(name))?;
        }
        let path = machine.local(path).display().to_string();
        let made = if self.uv {
            let venv =
                self.exec("uv").args(["venv", "--allow-existing", "--python", &*self.python]);
            machine.run(&venv.arg(path))
        } else {
            machine.run(&self.exec(&*self.python).args(["-m", "venv", &*path]))
        };
        self.remedied(made.map(|_| ()))
    }

    fn remedied(&self, result: Result) -> Result {
        let lacks_venv = |failure: &Failure| {
            let said = [&failure.stdout_tail, &failure.stderr_tail];
            said.iter()
                .any(|said| said.contains("ensurepip") || said.contains("No module named venv"))
        };
        let python = if self.python.ends_with("python3") { "python3" } else { &self.python };
        let hint = match result.as_ref().err().and_then(|error| error.downcast_ref()) {
            Some(ExecError::NotFound { .. }) if self.uv => "install `uv` on the host".to_owned(),
            Some(ExecError::NotFound { .. }) => {
                format!("install Python on the host: package `{python}` and `{python}-venv`")
            }
            Some(ExecError::Failed { failure, .. }) if lacks_venv(failure) => {
                format!("install what makes virtual environments: package `{python}-venv`")
            }
            _ => return result,
        };
        result.hint(hint)
    }

    fn install(&self, machine: &Machine<'_>, text: &str) -> Result {
        let path = self.path();
        let owner = self.ownership(machine, text);
        let draft = path.join(requirements::DRAFT);
        machine.write(&draft, text, &owner)?;
        let python = machine.local(&path.join("bin/python")).display().to_string();
        let install = if self.uv {
            self.exec("uv").args(["pip", "install", "--python", &*python])
        } else {
            self.exec(&*python).args(["-m", "pip", "install"])
        };
        let hashes = self.require_hashes.then_some("--require-hashes");
        let install = install.args(hashes).args(self.options.iter().cloned());
        let file = machine.local(&draft).display().to_string();
        self.remedied(machine.run(&install.args(["--requirement", &*file])).map(|_| ()))?;
        // Only now: what was cut off is installed again.
        machine.write(&path.join(requirements::RECORD), text, &owner)?;
        machine.remove(&draft)
    }
}

impl Component for VirtualEnv {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.place.resolve("virtualenv", scope)?;
        self.requirements.resolve(scope)?;
        if self.require_hashes && self.requirements.is_empty() {
            fail!(code::OPTIONS_CLASH, "`.require_hashes()` means nothing without a requirement");
        }
        let python = &self.python;
        let is_program = !python.is_empty() && !python.starts_with(['-', '~']);
        demand!(is_program, code::OPTION_VALUE, "`{python}` cannot be a program");
        scope.check_arguments(&Exec::new("pip").args(self.options.iter().cloned()))
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let path = self.path();
        if self.absent {
            let entry = probe.entry(path)?;
            if entry.as_ref().is_some_and(Entry::is_directory) {
                self.check_own(probe)?;
            }
            return Ok(entry.map(|entry| access::removed(&entry, "")).into_iter().collect());
        }
        let text = self.requirements.text(probe)?;
        let mut verdict = Verdict::current();
        if let Some(change) = self.rebuilt_for(probe)? {
            verdict.push(change);
            if !text.is_empty() {
                verdict.push(Change::text("", &text));
            }
            return Ok(verdict);
        }
        let environment = Environment { path, user: self.user.as_deref() };
        let installed = environment.installed(probe)?;
        requirements::changes(&text, &installed).into_iter().for_each(|it| verdict.push(it));
        let record = path.join(requirements::RECORD);
        let recorded = match probe.entry(&record)? {
            Some(_) => probe.read_to_string(&record)?,
            None => String::new(),
        };
        if recorded != text {
            verdict.push(Change::text(&recorded, &text));
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.absent {
            return machine.remove(self.path());
        }
        let text = self.requirements.text(machine)?;
        self.place.prepare(machine)?;
        if self.rebuilt_for(machine)?.is_some() {
            self.make(machine)?;
        }
        self.install(machine, &text)
    }
}
