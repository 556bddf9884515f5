//! Parameters of the kernel.

use std::borrow::Cow;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::config::SystemFile;
use crate::foreign;
use crate::privilege::require_root;

/// One parameter of the kernel: its value now, and at boot.
///
/// | attribute | default |
/// |---|---|
/// | `file` | `/etc/sysctl.d/99-togusa-NAME.conf`, which holds this parameter alone |
/// | `only_now` | no: it is set at boot too |
///
/// The name is written as `sysctl` prints it, `net.ipv4.ip_forward`, or with slashes. Values are
/// equal if their words are.
///
/// `verify` reads the file, and the value below `/proc/sys`. `update` runs `sysctl`, of the package
/// `procps`, and needs root; the file is written after the kernel took the value. An absent one is no
/// longer set at boot; its value now stays, because nobody knows what it was before.
///
/// In a sandbox only the file is looked after.
///
/// **Needs**: root; `sysctl`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Sysctl::new("net.ipv4.ip_forward", 1));
///     scope.add(Sysctl::new("net.ipv4.ip_local_port_range", "20000 60999"));
///     scope.add(Sysctl::absent("vm.swappiness"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Sysctl {
    name: String,
    value: Option<String>,
    file: Option<String>,
    only_now: bool,
    at_boot: Option<SystemFile>,
}

impl Sysctl {
    /// A parameter with its value: a number or a text.
    pub fn new(name: impl Into<String>, value: impl ToString) -> Self {
        Self { value: Some(value.to_string()), ..Self::absent(name) }
    }

    /// A parameter that is no longer set at boot.
    pub fn absent(name: impl Into<String>) -> Self {
        Self { name: name.into(), value: None, file: None, only_now: false, at_boot: None }
    }

    /// Sets another file; all that it holds is this parameter.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Leaves it to others what it is at boot.
    #[must_use]
    pub fn only_now(mut self) -> Self {
        self.only_now = true;
        self
    }

    fn path(&self, host: &HostName) -> HostPath {
        HostPath::new(host, format!("/proc/sys/{}", below_proc(&self.name)))
    }

    fn text(&self) -> Option<String> {
        let value = self.value.as_ref()?;
        Some(format!("# Kept by togusa.\n{} = {value}\n", self.name))
    }

    fn is_sandboxed(&self) -> bool {
        self.at_boot.as_ref().is_some_and(SystemFile::is_sandboxed)
    }

    /// What holds now, and what shall; `None` if they are equal, or nothing is asked.
    fn differs_now(&self, probe: &Probe<'_>) -> Result<Option<(String, &str)>> {
        let Some(wanted) = self.value.as_deref().filter(|_| !self.is_sandboxed()) else {
            return Ok(None);
        };
        let path = self.path(&probe.host().name);
        probe
            .entry(&path)?
            .with_context(|| format!("the kernel of this host has no parameter `{}`", self.name))
            .code(code::NO_PARAMETER)
            .hint("if a module has it, load that by a `KernelModule` before")?;
        let present = words(&probe.read_to_string(&path)?);
        Ok((present != words(wanted)).then_some((present, wanted)))
    }
}

/// Where a parameter lies. Of `.` and `/` the one that comes first is what separates, as for
/// `sysctl`: the other one stands for it in names, such as that of a VLAN.
fn below_proc(name: &str) -> String {
    let separator = name.find(['.', '/']).and_then(|at| name[at..].chars().next());
    if separator == Some('/') {
        return name.to_owned();
    }
    let swapped = name.chars().map(|c| match c {
        '.' => '/',
        '/' => '.',
        other => other,
    });
    swapped.collect()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Component for Sysctl {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let name = &self.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
        let path = below_proc(name);
        let is_name = name.chars().all(plain)
            && path.contains('/')
            && path.split('/').all(|part| !["", ".", ".."].contains(&part));
        if !is_name {
            return Err(fault!(
                code::NOT_A_NAME,
                "`{name}` cannot be the name of a parameter of the kernel"
            ))
            .hint("write it as `sysctl --all` does: `net.ipv4.ip_forward`");
        }
        if let Some(value) = &self.value {
            let is_value = !value.trim().is_empty() && !value.contains('\n');
            demand!(is_value, code::OPTION_VALUE, "the value is not one line");
        }
        demand!(
            self.value.is_some() || !self.only_now,
            code::OPTIONS_CLASH,
            "`.only_now()` means nothing to an absent parameter"
        );
        let file = self
            .file
            .clone()
            .unwrap_or_else(|| format!("/etc/sysctl.d/99-togusa-{}.conf", name.replace('/', "-")));
        demand!(file.starts_with('/'), code::OPTION_VALUE, "`{file}` is no absolute path");
        self.at_boot = Some(SystemFile::new(scope, &file));
        if self.value.is_some() {
            scope.manages("sysctl", name);
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let now = self.differs_now(probe)?;
        let mut verdict = Verdict::current();
        if let Some((from, to)) = now {
            verdict.push(Change::property("value", from, to));
        }
        match &self.at_boot {
            Some(file) if !self.only_now => {
                Ok(verdict.and(file.verify(probe, self.text().as_deref())?))
            }
            _ => Ok(verdict),
        }
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if !self.is_sandboxed() {
            require_root(machine, "set parameters of the kernel")?;
        }
        if let Some((_, value)) = self.differs_now(machine)? {
            let sysctl = foreign::program("sysctl").arg("-w");
            let set = machine.run(&sysctl.arg(format!("{}={value}", self.name)));
            foreign::of_package(set, "procps")?;
        }
        match &self.at_boot {
            Some(file) if !self.only_now => file.write(machine, self.text().as_deref()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_place_as_sysctl_reads_it() {
        for (name, path) in [
            ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
            ("net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding"),
            ("net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"),
        ] {
            assert_eq!(below_proc(name), path);
        }
        assert_eq!(words("20000\t60999\n"), "20000 60999");
    }
}
