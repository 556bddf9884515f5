//! Unit files of systemd.

use std::borrow::Cow;

use togusa_core::prelude::*;
use togusa_core::template;

use crate::file::{File, Text};
use crate::foreign;
use crate::purge::Purge;

use super::systemd::{Manager, check_name, full_name};

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
/// `systemctl show` of the host whether systemd has loaded another state of it. `update` writes it,
/// checks it, and has systemd load its unit files again; then the unit must be loaded. A unit of the
/// system needs root. A sandbox maps the file, but there is only one systemd.
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

    fn file(&mut self, path: String) -> File {
        let file = File::new(path).mode(0o644);
        let file = match self.manager {
            Manager::System if !self.file_name.contains('/') => file,
            _ => file.leading_directories(),
        };
        match self.given.take() {
            None => file,
            Some(Given::Content(text)) => file.content(text),
            Some(Given::Source(name)) => file.source(name),
            Some(Given::Template(name, context)) => file.template(name, context),
            Some(Given::Inline(text, context)) => file.inline_template(text, context),
        }
    }
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
        let path = format!("{directory}/{}", self.file_name);
        let (name, manager) = (self.name.clone(), self.manager);
        scope.manages(manager.kind(), self.file_name.clone());
        if self.absent {
            let removed = scope.add(Purge::new(path));
            scope.on_change(&removed).add(Loaded { name, manager, check: None });
            return Ok(());
        }
        let file = self.file(path);
        let file = scope.add(file);
        let check = (!self.unchecked).then(|| file.path().clone());
        scope.on_change(&file).add(Loaded { name, manager, check: Some(check) });
        Ok(())
    }
}

/// What systemd has loaded is what the files say.
#[derive(Debug)]
struct Loaded {
    name: String,
    manager: Manager,
    /// `None`: the unit is gone. `Some(None)`: it is there, and not to be checked.
    check: Option<Option<HostPath>>,
}

impl Loaded {
    fn analyze(&self, machine: &Machine<'_>) -> Result {
        let Some(Some(path)) = &self.check else { return Ok(()) };
        let local = machine.local(path).display().to_string();
        // A file that adds to a unit is checked with the unit.
        let subject = if local.ends_with(".conf") { self.name.clone() } else { local };
        let exec = self.manager.of(foreign::program("systemd-analyze"));
        match machine.run(&exec.args(["verify", "--man=no", &subject])) {
            Err(error) if foreign::failure(&error).is_some() => Err(error)
                .hint("correct the unit; one that is right all the same can be `.unchecked()`"),
            // Where there is no such program, loading it has to do.
            _ => Ok(()),
        }
    }
}

impl Component for Loaded {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let unit = self.manager.unit(probe, &self.name)?;
        Ok(Verdict::expect(!unit.needs_reload, "changed on disk since systemd loaded it"))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = machine.exclusive("systemd");
        self.analyze(machine)?;
        self.manager.run(machine, &["daemon-reload"])?;
        // A template is never loaded itself.
        if self.check.is_none() || self.name.contains("@.") {
            return Ok(());
        }
        let unit = self.manager.unit_now(machine, &self.name)?;
        if unit.load == "loaded" || unit.load == "masked" {
            return Ok(());
        }
        Err(anyhow!("systemd does not load `{}`: {}", self.name, unit.load))
            .hint(format!("`systemctl status {}` tells more", self.name))
    }
}
