//! The sub-components of the subject; each logs what it is about to change.

use std::borrow::Cow;
use std::fs::File;
use std::io::Write as _;

use togusa_core::host::Ownership;
use togusa_core::prelude::*;

/// Appends a line to the log of all hosts, for good.
fn log(machine: &Machine<'_>, line: &str) -> Result {
    let path = machine.home().join("log");
    let append = || {
        let mut log = File::options().create(true).append(true).open(&path)?;
        log.write_all(format!("{line}\n").as_bytes())?;
        log.sync_all()
    };
    append().with_context(|| format!("cannot write `{}`", path.display()))
}

fn log_change(machine: &Machine<'_>, path: &HostPath) -> Result {
    log(machine, path.as_str().trim_start_matches("~/"))
}

fn placed(path: Option<&HostPath>) -> Result<&HostPath> {
    path.context("not configured")
}

/// A file in the work directory of its root; directories above it are made with it.
#[derive(Debug)]
pub(super) struct Text {
    name: String,
    text: String,
    mode: Option<u32>,
    path: Option<HostPath>,
}

impl Text {
    pub(super) fn new(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.to_owned(), text: text.into(), mode: None, path: None }
    }

    pub(super) fn mode(self, mode: u32) -> Self {
        Self { mode: Some(mode), ..self }
    }
}

impl Component for Text {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let path = scope.path(&self.name);
        scope.manages("file", path.as_str());
        self.path = Some(path);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let path = placed(self.path.as_ref())?;
        let Some(entry) = probe.entry(path)? else {
            return Ok(Verdict::stale(Change::create("file")));
        };
        let mut verdict = Verdict::expect(probe.read_to_string(path)? == self.text, "content");
        if self.mode.is_some_and(|mode| mode != entry.mode) {
            verdict.push("mode");
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let path = placed(self.path.as_ref())?;
        log_change(machine, path)?;
        machine.create_leading(path)?;
        let ownership = Ownership { mode: self.mode, ..Ownership::default() };
        machine.write(path, &self.text, &ownership)
    }
}

/// A directory in the work directory of its root.
#[derive(Debug)]
pub(super) struct Folder {
    name: &'static str,
    mode: Option<u32>,
    path: Option<HostPath>,
}

impl Folder {
    pub(super) fn new(name: &'static str, mode: Option<u32>) -> Self {
        Self { name, mode, path: None }
    }
}

impl Component for Folder {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.path = Some(scope.path(self.name));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let entry = probe.entry(placed(self.path.as_ref())?)?;
        let current = |mode| self.mode.is_none_or(|wanted| wanted == mode);
        let current = entry.is_some_and(|entry| entry.is_directory() && current(entry.mode));
        Ok(Verdict::expect(current, "directory"))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let path = placed(self.path.as_ref())?;
        log_change(machine, path)?;
        machine.create_directory(path, &Ownership { mode: self.mode, ..Ownership::default() })
    }
}

/// A link in the work directory of its root.
#[derive(Debug)]
pub(super) struct Link {
    name: &'static str,
    target: String,
    path: Option<HostPath>,
}

impl Link {
    pub(super) fn new(name: &'static str, target: impl Into<String>) -> Self {
        Self { name, target: target.into(), path: None }
    }
}

impl Component for Link {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.path = Some(scope.path(self.name));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let path = placed(self.path.as_ref())?;
        let leads = match probe.entry(path)? {
            Some(entry) if entry.is_symlink() => Some(probe.read_link(path)?),
            _ => None,
        };
        Ok(Verdict::expect(leads.is_some_and(|leads| leads.as_os_str() == &*self.target), "link"))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let path = placed(self.path.as_ref())?;
        log_change(machine, path)?;
        machine.symlink(path, &self.target)
    }
}

/// A file that only triggers move: made from another one, whose content it does not compare.
#[derive(Debug)]
pub(super) struct Build {
    from: Option<HostPath>,
    to: Option<HostPath>,
}

impl Build {
    pub(super) fn new() -> Self {
        Self { from: None, to: None }
    }
}

impl Component for Build {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.from = Some(scope.path("source"));
        self.to = Some(scope.path("built"));
        Ok(())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let (from, to) = (placed(self.from.as_ref())?, placed(self.to.as_ref())?);
        let text = machine.read_to_string(from)?;
        log_change(machine, to)?;
        machine.write(to, &format!("built from {text}"), &Ownership::default())
    }
}

/// What a trigger restarts: `ROOT@HOST/NAME` in the log is a restart.
#[derive(Debug)]
pub(super) struct Service {
    name: String,
    line: String,
}

impl Service {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), line: String::new() }
    }
}

impl Component for Service {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.line = format!("{}/{}", scope.root(), self.name);
        Ok(())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        log(machine, &self.line)
    }
}

/// What a trigger restarts by a command; it is logged like a [`Service`].
#[derive(Debug)]
pub(super) struct Command {
    service: Service,
    script: &'static str,
}

impl Command {
    pub(super) fn new(name: &str) -> Self {
        Self { service: Service::new(name), script: "echo \"$LINE\" >> log && sync log" }
    }

    /// Prints `started`, then waits half a minute for a line from the pipe `gate`, unless there is
    /// a file `opened`.
    pub(super) fn gated(name: &str) -> Self {
        let script = "[ -p gate ] || mkfifo gate; echo started; \
                      [ -e opened ] || timeout 30 head -n 1 gate > /dev/null || exit 1; \
                      echo \"$LINE\" >> log";
        Self { service: Service::new(name), script }
    }
}

impl Component for Command {
    fn key(&self) -> Option<Cow<'_, str>> {
        self.service.key()
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.service.configure(scope)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        machine.run(&Exec::shell(self.script).env("LINE", &self.service.line))?;
        Ok(())
    }
}
