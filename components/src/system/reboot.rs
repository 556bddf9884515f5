//! A reboot of the host.

use std::time::Duration;

use togusa_core::host::ExecError;
use togusa_core::prelude::*;

use crate::foreign;
use crate::location::Location;
use crate::privilege::require_root;

/// What systems write when something asks for a reboot: Debian and Ubuntu, then openSUSE and SLES.
const FLAGS: [&str; 2] = ["/run/reboot-required", "/run/reboot-needed"];

/// How long a host usually takes at most.
const TIMEOUT: Duration = Duration::from_secs(600);

/// A reboot of the host in the middle of the run, which goes on when the host is back.
///
/// It happens when a trigger is pending for it, and, if that is asked for, when the system or a file
/// says that it is needed. Nothing else of the deployment is done on the host meanwhile: the reboot
/// waits until other roots of the host have come to their ends, and what they have not begun begins
/// when the host is back. Other hosts go on; what depends on the root waits.
///
/// | attribute | default |
/// |---|---|
/// | `when_required` | no: only triggers move it |
/// | `required_by` | none; each file that is given asks for a reboot while it is there |
/// | `command` | `shutdown -r now`; `reboot` where there is no `shutdown` |
/// | `timeout` | 10 min for the host to go down, to come back, and to take a connection |
///
/// `verify` looks for the files, and with `when_required` for `/run/reboot-required` (Debian and
/// Ubuntu), `/run/reboot-needed` (openSUSE and SLES), and what `needs-restarting -r` says, where it is
/// installed (`dnf-utils` of Fedora, RHEL and their like). `update` runs the command as root, or as who
/// it is said to run as. A host counts as back when it takes a connection and its system has been
/// started anew, which is told by the boot id of Linux and the start of the first process, so that a
/// container counts too.
///
/// A reboot that was begun is remembered on the host. When the deployment is killed meanwhile, the next
/// one finds that the host was rebooted, by whomever, and does not do it again. A component reboots its
/// host once in a deployment: one that is asked to do it twice fails. A host that does not come back
/// in time fails as one that is lost.
///
/// The host that the deployment is run on is not rebooted: that fails, with the request to do it
/// by hand, which then counts. In a sandbox nothing is rebooted, and triggers count as performed.
/// A reboot takes down all that the host serves, also what other roots run: with a
/// rollout of the component, hosts reboot in its batches, and balancers take them out of use before.
/// There is nothing to be absent.
///
/// **Needs**: root; `shutdown` or `reboot`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let kernel = scope.add(Apt::new("linux-image-amd64"));
///     let limits = scope.add(Line::new("/etc/default/grub", r#"GRUB_CMDLINE_LINUX="quiet""#));
///     scope.on_change(&kernel).on_change(&limits).add(Reboot::new().when_required());
///     scope.add(WaitForPort::new(22));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Reboot {
    asks_system: bool,
    files: Vec<Location>,
    paths: Vec<HostPath>,
    command: Option<Exec>,
    timeout: Duration,
}

impl Default for Reboot {
    fn default() -> Self {
        Self::new()
    }
}

impl Reboot {
    /// A reboot that triggers move, and nothing else.
    pub fn new() -> Self {
        let (files, paths) = Default::default();
        Self { asks_system: false, files, paths, command: None, timeout: TIMEOUT }
    }

    /// Reboots also when the system says that it is needed.
    #[must_use]
    pub fn when_required(mut self) -> Self {
        self.asks_system = true;
        self
    }

    /// Reboots also while a file is there; something that is started at boot has to remove it.
    #[must_use]
    pub fn required_by(mut self, path: impl Into<Location>) -> Self {
        self.files.push(path.into());
        self
    }

    /// Sets the command that brings the reboot about. It may end before the host goes down.
    #[must_use]
    pub fn command(mut self, command: Exec) -> Self {
        self.command = Some(command);
        self
    }

    /// Sets how long the host may take until it takes a connection again.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn is_sandboxed(probe: &Probe<'_>) -> bool {
        probe.host().sandbox.is_some()
    }

    /// What asks for a reboot.
    fn asked_by(&self, probe: &Probe<'_>) -> Result<Vec<String>> {
        let mut asked_by = Vec::new();
        for path in &self.paths {
            if probe.entry(path)?.is_some() {
                asked_by.push(format!("`{}` is there", path.as_str()));
            }
        }
        if !self.asks_system {
            return Ok(asked_by);
        }
        for flag in FLAGS {
            let path = |path: &str| HostPath::new(&probe.host().name, path);
            if probe.entry(&path(flag))?.is_none() {
                continue;
            }
            let packages = path(&format!("{flag}.pkgs"));
            let packages = match probe.entry(&packages)? {
                Some(_) => listed(&probe.read_to_string(&packages)?),
                None => String::new(),
            };
            asked_by.push(format!("the system asks for it{packages}"));
        }
        if needs_restarting(probe)? {
            asked_by.push("`needs-restarting` asks for it".to_owned());
        }
        Ok(asked_by)
    }
}

impl Component for Reboot {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.paths = self.files.iter().map(|file| file.resolve(scope)).collect::<Result<_>>()?;
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if Self::is_sandboxed(probe) {
            return Ok(Verdict::current());
        }
        let mut verdict = Verdict::current();
        for asked_by in self.asked_by(probe)? {
            verdict.push(format!("reboot: {asked_by}"));
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if Self::is_sandboxed(machine) {
            machine.tell("in a sandbox nothing is rebooted");
            return Ok(());
        }
        if let Some(command) = &self.command {
            return machine.reboot(command, self.timeout);
        }
        require_root(machine, "reboot a host")?;
        let shutdown = foreign::program("shutdown").args(["-r", "now"]);
        match machine.reboot(&shutdown, self.timeout) {
            Err(error) if is_missing(&error) => {
                machine.reboot(&foreign::program("reboot"), self.timeout)
            }
            result => result,
        }
    }
}

/// Whether the program of Fedora and its like says that a reboot is needed; no where there is none.
fn needs_restarting(probe: &Probe<'_>) -> Result<bool> {
    let ask = foreign::program("needs-restarting").arg("-r").accept([0, 1]);
    match probe.query(&ask) {
        Ok(output) => Ok(output.code == 1),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ExecError::NotFound { .. }))
}

/// Packages, one a line and each perhaps several times, as a part of a sentence.
fn listed(packages: &str) -> String {
    let mut names: Vec<_> = packages.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { String::new() } else { format!(" for {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn packages_are_named_once() {
        assert_eq!(listed("linux-base\nlinux-base\n\ndbus\n"), " for dbus, linux-base");
        assert_eq!(listed("\n"), "");
    }
}
