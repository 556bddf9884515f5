//! Unit files of systemd.

use std::borrow::Cow;

use togusa_core::demand;
use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Ownership;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::template;

use crate::file::{File, Text};
use crate::foreign;

use super::systemd::{Linger, Manager, Unit, check_name, full_name};

/// A unit file of systemd, checked and loaded.
///
/// The content comes from one of [`content`](Self::content), [`source`](Self::source),
/// [`template`](Self::template) and [`inline_template`](Self::inline_template); with none of them it
/// is the asset with the name of the unit. Whether it is enabled and runs is the matter of a
/// [`SystemdService`](super::SystemdService) after it.
///
/// | attribute | default |
/// |---|---|
/// | `of_user` | no: `/etc/systemd/system/NAME`; else `~/.config/systemd/user/NAME` |
/// | `unchecked` | no: `systemd-analyze verify` must accept it, where there is such a program |
///
/// `verify` compares the file as [`File`](crate::File) does (mode `0644`), and looks at the one
/// `systemctl show` of the host whether systemd has loaded another state of it. `update` has a copy
/// of it checked, writes it, and has systemd load its unit files again; then the unit must be loaded.
/// A unit that does not pass leaves the old one in place; an addition can only be checked within its
/// unit, once it is there. It is `healthy` while systemd has it loaded, and does not start it again
/// and again; whether it runs is asked of the [`SystemdService`](super::SystemdService). A unit of the system needs root; one of a user needs its own systemd, for
/// which it must linger: `update` asks `loginctl` for that. A sandbox maps the file, but there is
/// only one systemd.
///
/// **Needs**: `systemctl`; root for a unit of the system.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, user: &str) -> Result {
///     let text = "[Service]\nUser={{ user }}\nExecStart=/opt/app/app\n\n\
///                 [Install]\nWantedBy=multi-user.target\n";
///     let unit = SystemdUnit::new("app").inline_template(text, context! { user });
///     let unit = scope.add(unit);
///     let limits = SystemdUnit::drop_in("nginx", "limits").content("[Service]\nLimitNOFILE=9999\n");
///     let limits = scope.add(limits);
///     scope.on_change(&unit).add(SystemdService::new("app"));
///     scope.on_change(&limits).add(SystemdService::new("nginx"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct SystemdUnit {
    /// The unit that is loaded.
    name: String,
    /// The file below the directory of units.
    file_name: String,
    manager: Manager,
    given: Option<Given>,
    unchecked: bool,
    absent: bool,
    file: Option<File>,
    candidate: Option<HostPath>,
}

/// Where the text comes from.
#[derive(Debug)]
enum Given {
    Content(Text),
    Source(String),
    Template(String, template::Context),
    Inline(String, template::Context),
}

impl SystemdUnit {
    /// A unit by its name; one without a kind is a service.
    pub fn new(name: impl AsRef<str>) -> Self {
        let name = full_name(name.as_ref());
        Self {
            file_name: name.clone(),
            name,
            manager: Manager::System,
            given: None,
            unchecked: false,
            absent: false,
            file: None,
            candidate: None,
        }
    }

    /// An addition to a unit that somebody else wrote: `/etc/systemd/system/UNIT.d/NAME.conf`.
    pub fn drop_in(unit: impl AsRef<str>, name: impl AsRef<str>) -> Self {
        let unit = Self::new(unit);
        Self { file_name: format!("{}.d/{}.conf", unit.name, name.as_ref()), ..unit }
    }

    /// Sets the text.
    #[must_use]
    pub fn content(mut self, text: impl Into<Text>) -> Self {
        self.given = Some(Given::Content(text.into()));
        self
    }

    /// Sets the text to an asset, rendered if it is a template.
    #[must_use]
    pub fn source(mut self, name: impl Into<String>) -> Self {
        self.given = Some(Given::Source(name.into()));
        self
    }

    /// Sets the text to an asset that is rendered with the given variables.
    #[must_use]
    pub fn template(mut self, name: impl Into<String>, context: template::Context) -> Self {
        self.given = Some(Given::Template(name.into(), context));
        self
    }

    /// Sets the text to a template that stands in the code.
    #[must_use]
    pub fn inline_template(mut self, text: impl Into<String>, context: template::Context) -> Self {
        self.given = Some(Given::Inline(text.into(), context));
        self
    }

    /// Makes it a unit of the converging user.
    #[must_use]
    pub fn of_user(mut self) -> Self {
        self.manager = Manager::User;
        self
    }

    /// Leaves the check by `systemd-analyze` out, for a unit that is right all the same: what it
    /// starts may be installed later.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.unchecked = true;
        self
    }

    /// Removes the file. Stop and disable the unit before.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn file(&self) -> Result<&File> {
        self.file.as_ref().context("the unit was not configured").code(code::NOT_CONFIGURED)
    }

    /// Has a copy of a unit checked, which has the same name in another directory.
    fn check_copy(&self, machine: &Machine<'_>, file: &File, candidate: &HostPath) -> Result {
        if self.unchecked {
            return Ok(());
        }
        machine.create_leading(candidate)?;
        let content = file.wanted(machine)?;
        machine.replace(candidate, content.to_write(), &Ownership::mode(0o600))?;
        let checked = self.analyze(machine, &machine.local(candidate).display().to_string());
        machine.remove(candidate)?;
        checked.context("the unit is not changed")
    }

    /// Has a unit checked, by its name or its file.
    fn analyze(&self, machine: &Machine<'_>, unit: &str) -> Result {
        if self.unchecked {
            return Ok(());
        }
        let exec = self.manager.of(foreign::program("systemd-analyze"));
        match machine.run(&exec.args(["verify", "--man=no", unit])) {
            Err(error) if foreign::failure(&error).is_some() => Err(error)
                .hint("correct the unit; one that is right all the same can be `.unchecked()`"),
            // Where there is no such program, loading it has to do.
            _ => Ok(()),
        }
    }

    fn make_file(&mut self, path: String) -> File {
        let file = File::new(path).mode(0o644);
        let file = match self.manager {
            Manager::System if !self.file_name.contains('/') => file,
            _ => file.leading_directories(),
        };
        match self.given.take() {
            // It has no content, and needs none to be removed.
            _ if self.absent => file.content(""),
            None => file,
            Some(Given::Content(text)) => file.content(text),
            Some(Given::Source(name)) => file.source(name),
            Some(Given::Template(name, context)) => file.template(name, context),
            Some(Given::Inline(text, context)) => file.inline_template(text, context),
        }
    }
}

/// Refuses a unit that systemd cannot load, or that it starts again and again. One that failed may
/// have done so long ago, if it is a job that runs at its times.
fn check_healthy(unit: &Unit, name: &str) -> Result {
    let is_loaded = ["loaded", "masked"].contains(&&*unit.load);
    demand!(is_loaded, code::UNHEALTHY, "systemd does not load `{name}`: {}", unit.load);
    let restarts = unit.sub.starts_with("auto-restart");
    demand!(!restarts, code::UNHEALTHY, "`{name}` is started again and again: {}", unit.state());
    Ok(())
}

impl Component for SystemdUnit {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.file_name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let parts = self.file_name.splitn(2, '/');
        parts.into_iter().try_for_each(check_name)?;
        let directory = match self.manager {
            Manager::System => "/etc/systemd/system",
            Manager::User => "~/.config/systemd/user",
        };
        if self.manager == Manager::User && !self.absent {
            scope.add(Linger);
        }
        scope.manages(self.manager.kind(), self.file_name.clone());
        let mut file = self.make_file(format!("{directory}/{}", self.file_name));
        file.configure(scope)?;
        self.file = Some(file);
        if self.file_name == self.name {
            self.candidate = Some(scope.path(format!(".units/{}", self.name)));
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let file = self.file()?;
        let verdict = match self.absent {
            false => file.verify(probe)?,
            true => {
                let local = probe.local(file.path());
                let gone = probe.entry(file.path())?.is_none();
                Verdict::expect(gone, Change::remove(format!("file `{}`", local.display())))
            }
        };
        if !verdict.is_current() {
            return Ok(verdict);
        }
        let is_loaded = !self.manager.needs_reload(probe, &self.name)?;
        Ok(Verdict::expect(is_loaded, "changed on disk since systemd loaded it"))
    }

    fn healthy(&self, probe: &Probe<'_>) -> Result {
        // A template is never loaded itself.
        if self.absent || self.name.contains("@.") {
            return Ok(());
        }
        check_healthy(&self.manager.unit(probe, &self.name)?, &self.name)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = machine.exclusive("systemd");
        self.manager.require_right(machine)?;
        let file = self.file()?;
        if self.absent {
            machine.remove(file.path())?;
            return self.manager.run(machine, &["daemon-reload"]).map(|_| ());
        }
        if let Some(candidate) = &self.candidate {
            self.check_copy(machine, file, candidate)?;
        }
        file.update(machine)?;
        if self.candidate.is_none() {
            self.analyze(machine, &self.name)?;
        }
        self.manager.run(machine, &["daemon-reload"])?;
        // A template is never loaded itself.
        if self.name.contains("@.") {
            return Ok(());
        }
        let unit = self.manager.unit_now(machine, &self.name)?;
        if unit.load == "loaded" {
            return Ok(());
        }
        Err(fault!(code::UNIT_NOT_LOADED, "systemd does not load `{}`: {}", self.name, unit.load))
            .hint(format!("`systemctl status {}` tells more", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_healthy_that_is_loaded_and_not_started_again_and_again() {
        let of = |load: &str, sub: &str| {
            let unit = Unit { load: load.into(), sub: sub.into(), ..Unit::default() };
            check_healthy(&unit, "x.service").map_err(|error| error.to_string())
        };
        assert_eq!(of("loaded", "running"), Ok(()));
        assert_eq!(of("loaded", "failed"), Ok(()));
        assert_eq!(
            of("not-found", "dead"),
            Err("systemd does not load `x.service`: not-found".into())
        );
        assert!(of("loaded", "auto-restart").is_err());
    }
}
