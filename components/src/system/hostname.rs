//! The name of the host.

use std::borrow::Cow;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::config::SystemFile;
use crate::foreign;
use crate::privilege::require_root;

/// The name by which the host knows itself, now and at boot.
///
/// `verify` reads `/etc/hostname` and `/proc/sys/kernel/hostname`. `update` runs `hostname`, of the
/// package `hostname` or busybox, writes the file, and needs root. `/etc/hosts` is left alone: many
/// programs want the name there too, as below. A host always has a name, so that it cannot be absent.
///
/// In a sandbox only the file is looked after.
///
/// **Needs**: root; `hostname`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let name = scope.host().to_string();
///     scope.add(Line::new("/etc/hosts", format!("127.0.1.1 {name}")).matching(r"^127\.0\.1\.1\s"));
///     scope.add(Hostname::new(name));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Hostname {
    name: String,
    at_boot: Option<SystemFile>,
}

impl Hostname {
    /// The name, usually without a domain.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), at_boot: None }
    }

    fn at_boot(&self) -> Result<&SystemFile> {
        self.at_boot.as_ref().context("the name was not configured").code(code::NOT_CONFIGURED)
    }

    fn now(&self, probe: &Probe<'_>) -> Result<String> {
        let path = HostPath::new(&probe.host().name, "/proc/sys/kernel/hostname");
        Ok(probe.read_to_string(&path)?.trim_end().to_owned())
    }
}

impl Component for Hostname {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let name = &self.name;
        let is_label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        // What Linux has room for.
        if name.len() > 64 || !name.split('.').all(is_label) {
            return Err(fault!(code::NOT_A_NAME, "`{name}` cannot be the name of a host"))
                .hint("a name has at most 64 letters, digits, `-` and `.`");
        }
        self.at_boot = Some(SystemFile::new(scope, "/etc/hostname"));
        scope.manages("hostname", name);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let file = self.at_boot()?;
        let mut verdict = Verdict::current();
        if !file.is_sandboxed() {
            let now = self.now(probe)?;
            if now != self.name {
                verdict.push(Change::property("name", now, &self.name));
            }
        }
        Ok(verdict.and(file.verify(probe, Some(&format!("{}\n", self.name)))?))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let file = self.at_boot()?;
        if !file.is_sandboxed() {
            require_root(machine, "name the host")?;
            if self.now(machine)? != self.name {
                let set = machine.run(&foreign::program("hostname").arg(&self.name));
                foreign::of_package(set, "hostname")?;
            }
        }
        file.write(machine, Some(&format!("{}\n", self.name)))
    }
}
