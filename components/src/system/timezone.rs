//! The time zone.

use std::borrow::Cow;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::config::SystemFile;
use crate::privilege::require_root;

/// Where the zones lie.
const ZONES: &str = "/usr/share/zoneinfo";

/// The time zone of the host.
///
/// It is the link `/etc/localtime`; and `/etc/timezone`, which some programs of Debian read, where
/// that file is. Programs that run already keep the zone that they started with.
///
/// `verify` reads both, and looks whether there is such a zone: they come with the package `tzdata`.
/// `update` needs root and no program. A host always has a zone, so that it cannot be absent: `UTC` is
/// what most have without any.
///
/// In a sandbox the link lies there.
///
/// **Needs**: root; the zones of `tzdata`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Timezone::new("Europe/Berlin"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Timezone {
    name: String,
    link: Option<HostPath>,
    text: Option<SystemFile>,
}

impl Timezone {
    /// A zone by its name, such as `Europe/Berlin` or `UTC`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), link: None, text: None }
    }

    fn target(&self) -> String {
        format!("{ZONES}/{}", self.name)
    }

    fn places(&self) -> Result<(&HostPath, &SystemFile)> {
        self.link
            .as_ref()
            .zip(self.text.as_ref())
            .context("the zone was not configured")
            .code(code::NOT_CONFIGURED)
    }

    /// Where the link leads, as a path.
    fn present(&self, probe: &Probe<'_>, link: &HostPath) -> Result<Option<String>> {
        let Some(entry) = probe.entry(link)? else { return Ok(None) };
        if !entry.is_symlink() {
            return Ok(Some("no link".to_owned()));
        }
        let target = probe.read_link(link)?.display().to_string();
        // As systemd writes it.
        let target = target.strip_prefix("..").map(str::to_owned).unwrap_or(target);
        let zone = target.strip_prefix(ZONES).and_then(|rest| rest.strip_prefix('/'));
        Ok(Some(zone.unwrap_or(&target).to_owned()))
    }

    fn check_zone(&self, probe: &Probe<'_>) -> Result {
        let host = &probe.host().name;
        if probe.entry(&HostPath::new(host, self.target()))?.is_some() {
            return Ok(());
        }
        let none = Err(fault!(code::NO_ZONE, "there is no time zone `{}` on this host", self.name));
        match probe.entry(&HostPath::new(host, ZONES))? {
            Some(_) => none.hint(format!("`{ZONES}` has a file for each: `Europe/Berlin`")),
            None => none.hint("install the package `tzdata`, which has them, before"),
        }
    }

    /// The text for Debian, where it is asked for.
    fn wants_text(&self, probe: &Probe<'_>, file: &SystemFile) -> Result<Option<String>> {
        Ok(probe.entry(file.path())?.map(|_| format!("{}\n", self.name)))
    }
}

impl Component for Timezone {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let name = &self.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || "+-_".contains(c);
        let is_name = name.split('/').all(|part| !part.is_empty() && part.chars().all(plain));
        if !is_name {
            return Err(fault!(code::NOT_A_NAME, "`{name}` cannot be the name of a time zone"))
                .hint("a zone is named `Europe/Berlin` or `UTC`");
        }
        self.link = Some(scope.path("/etc/localtime"));
        self.text = Some(SystemFile::new(scope, "/etc/timezone"));
        scope.manages("timezone", name);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.check_zone(probe)?;
        let (link, file) = self.places()?;
        let mut verdict = match self.present(probe, link)? {
            None => Verdict::stale(Change::create(format!("link to {}", self.name))),
            Some(present) if present == self.name => Verdict::current(),
            Some(present) => Verdict::stale(Change::property("zone", present, &self.name)),
        };
        if let Some(text) = self.wants_text(probe, file)? {
            verdict = verdict.and(file.verify(probe, Some(&text))?);
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let (link, file) = self.places()?;
        if file.is_sandboxed() {
            machine.create_leading(link)?;
        } else {
            require_root(machine, "set the time zone")?;
        }
        if let Some(text) = self.wants_text(machine, file)? {
            file.write(machine, Some(&text))?;
        }
        if self.present(machine, link)?.as_ref() == Some(&self.name) {
            return Ok(());
        }
        machine.symlink(link, &self.target())
    }
}
