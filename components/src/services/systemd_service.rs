//! Services of systemd.

mod enablement;

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use crate::waiting::{seconds, wait};

use super::systemd::{Linger, Manager, Unit, check_name, full_name};

use enablement::Enablement;

/// How often it is looked whether a unit still runs.
const INTERVAL: Duration = Duration::from_millis(200);

/// A unit of systemd is enabled and runs.
///
/// It may be a service, or a timer, socket, path or target. Its unit file comes from a package, or
/// from a [`SystemdUnit`](super::SystemdUnit) before it.
///
/// | attribute | default |
/// |---|---|
/// | `enabled` / `disabled` / `masked` / `any_enablement` | enabled: it starts at boot |
/// | `running` / `stopped` / `any_state` | running |
/// | `reload` | no: a trigger restarts it |
/// | `start_time` | 1 s: one that ends or is started again within it has failed |
/// | `of_user` | no: it is one of the system |
///
/// `verify` looks at one `systemctl show` and one `systemctl list-unit-files` for all units of a
/// host. `update` enables, disables, masks or unmasks, and starts or stops it; a trigger restarts or
/// reloads what runs, and starts what does not unless it is to be stopped. Afterwards it looks
/// whether there is a new run of the unit, or still the same one after a reload, and sees it through
/// its start time; the last lines of its journal stand in the error. A oneshot service that does not
/// stay active needs `any_state`: a trigger starts it then. One that is to run is `healthy` while it
/// does; one that systemd starts again and again is not.
///
/// Units of the system need root. Those of the converging user need its own systemd, which runs
/// without a session only if the user lingers: `update` asks `loginctl` for that.
///
/// A service is absent when its unit is, by a `SystemdUnit`; one that a package brings is `stopped` and
/// `disabled`, or `masked`.
///
/// **Needs**: `systemctl`; root for a unit of the system.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let conf = scope.add(File::new("/etc/nginx/conf.d/gzip.conf").content("gzip on;\n"));
///     scope.on_change(&conf).add(SystemdService::new("nginx").reload());
///     scope.add(SystemdService::new("apache2").disabled().stopped());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct SystemdService {
    name: String,
    manager: Manager,
    enabled: Option<Enabled>,
    running: Option<bool>,
    reload: bool,
    start_time: Duration,
}

/// Whether a unit starts by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Enabled {
    Yes,
    No,
    /// Nothing can start it.
    Masked,
}

impl SystemdService {
    /// A unit by its name; one without a kind is a service.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self {
            name: full_name(name.as_ref()),
            manager: Manager::System,
            enabled: Some(Enabled::Yes),
            running: Some(true),
            reload: false,
            start_time: Duration::from_secs(1),
        }
    }

    /// Has it start at boot; this is the default.
    #[must_use]
    pub fn enabled(mut self) -> Self {
        self.enabled = Some(Enabled::Yes);
        self
    }

    /// Keeps it from starting at boot.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.enabled = Some(Enabled::No);
        self
    }

    /// Keeps everything from starting it.
    #[must_use]
    pub fn masked(mut self) -> Self {
        self.enabled = Some(Enabled::Masked);
        self
    }

    /// Leaves alone whether it starts at boot; right for units that have no `[Install]`.
    #[must_use]
    pub fn any_enablement(mut self) -> Self {
        self.enabled = None;
        self
    }

    /// Has it run; this is the default.
    #[must_use]
    pub fn running(mut self) -> Self {
        self.running = Some(true);
        self
    }

    /// Stops it.
    #[must_use]
    pub fn stopped(mut self) -> Self {
        self.running = Some(false);
        self
    }

    /// Leaves alone whether it runs; only a trigger moves it.
    #[must_use]
    pub fn any_state(mut self) -> Self {
        self.running = None;
        self
    }

    /// Has a trigger reload it instead of restarting it.
    #[must_use]
    pub fn reload(mut self) -> Self {
        self.reload = true;
        self
    }

    /// Sets how long it must run to count as started.
    #[must_use]
    pub fn start_time(mut self, time: Duration) -> Self {
        self.start_time = time;
        self
    }

    /// Takes it for a unit of the converging user.
    #[must_use]
    pub fn of_user(mut self) -> Self {
        self.manager = Manager::User;
        self
    }

    /// The command that makes the unit as it is to be, or moves it when it already is.
    fn command(&self, unit: &Unit) -> &'static str {
        match (self.running, unit.is_active()) {
            (Some(false), _) => "stop",
            // It may have been started before what a trigger tells of; `start` would let it go on.
            (Some(true), false) if unit.active == "activating" && unit.sub != "auto-restart" => {
                "restart"
            }
            (Some(true), false) => "start",
            (_, true) if self.reload => "reload",
            _ => "restart",
        }
    }

    /// Starts, restarts or reloads it, and sees it through its start time.
    fn bring_up(&self, machine: &Machine<'_>, before: &Unit, command: &str) -> Result {
        if before.active == "failed" {
            // One that failed too often is not started before this is forgotten.
            self.manager.run(machine, &["reset-failed", &self.name])?;
        }
        let doing = format!("cannot {command} `{}`", self.name);
        let done = self.manager.run(machine, &[command, &self.name]);
        let journal =
            || fault!(code::SERVICE_NOT_RUNNING, "{}", self.manager.journal(machine, &self.name));
        if let Err(error) = done {
            return Err(journal().context(format!("{error:#}")).context(doing));
        }
        let unit = self.manager.unit_now(machine, &self.name)?;
        let is_new = unit.invocation != before.invocation;
        if self.running.is_none() && !unit.is_active() && command != "reload" {
            // It has done its work and gone; had that failed, systemctl would have said so.
            return Ok(());
        }
        if unit.is_active() && is_new == (command == "reload") {
            let what = if is_new { "was started anew" } else { "is still the same run" };
            fail!(code::SERVICE_NOT_RUNNING, "`{}` {what} after `systemctl {command}`", self.name);
        }
        self.see_through(machine, &unit, command).map_err(|why| match why {
            Some(why) => journal().context(format!("`{}` {why}", self.name)).context(doing),
            None => fault!(code::INTERRUPTED, "the run was interrupted"),
        })
    }

    /// Sees a unit through its start time; else what it came to.
    fn see_through(
        &self,
        machine: &Machine<'_>,
        started: &Unit,
        command: &str,
    ) -> Result<(), Option<String>> {
        let mut end = None;
        let watched = wait(machine, self.start_time, INTERVAL, || {
            let now = self.manager.unit_now(machine, &self.name)?;
            let same = now.invocation == started.invocation && now.restarts == started.restarts;
            if now.is_active() && same {
                return Ok(Err(String::new()));
            }
            end = Some(now.state());
            Ok(Ok(()))
        });
        match (watched, end) {
            (Err(error), _) => Err(Some(format!("cannot be watched: {error:#}"))),
            (Ok(_), None) => Ok(()),
            (Ok(_), Some(state)) => {
                let time = seconds(self.start_time);
                Err(Some(format!("is {state} within {time} of its {command}")))
            }
        }
    }
}

/// Refuses a unit that systemd does not know or cannot read.
fn check_loaded(unit: &Unit, name: &str) -> Result {
    match &*unit.load {
        "not-found" => Err(fault!(code::NO_UNIT, "there is no unit `{name}`"))
            .hint("add a `SystemdUnit`, or install the package that has it, before"),
        "bad-setting" | "error" => {
            Err(fault!(code::UNIT_NOT_LOADED, "systemd cannot load `{name}`: {}", unit.load))
                .hint(format!("`systemctl status {name}` tells what is wrong with its file"))
        }
        _ => Ok(()),
    }
}

/// What differs in whether a unit runs.
fn judge(unit: &Unit, running: Option<bool>) -> Verdict {
    match running {
        Some(true) if !unit.is_active() => {
            Verdict::stale(Change::property("state", unit.state(), "running"))
        }
        Some(false) if !["inactive", "failed"].contains(&&*unit.active) => {
            Verdict::stale(Change::property("state", unit.state(), "stopped"))
        }
        _ => Verdict::current(),
    }
}

/// Refuses a unit that is to run and does not, or is being started again.
fn check_running(unit: &Unit, name: &str) -> Result {
    demand!(unit.is_active(), code::UNHEALTHY, "`{name}` does not run: it is {}", unit.state());
    Ok(())
}

impl Component for SystemdService {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        check_name(&self.name)?;
        if self.enabled == Some(Enabled::Masked) && self.running == Some(true) {
            return Err(fault!(code::UNIT_MASKED, "a masked unit cannot run"))
                .hint("ask for `.stopped()` too");
        }
        let starts = self.enabled == Some(Enabled::Yes) || self.running == Some(true);
        if self.manager == Manager::User && starts {
            scope.add(Linger);
        }
        if let Some(enabled) = self.enabled {
            scope.add(Enablement::new(self.name.clone(), self.manager, enabled));
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let unit = self.manager.unit(probe, &self.name)?;
        // What is to be stopped need not be there, nor be right.
        if self.running != Some(false) {
            check_loaded(&unit, &self.name)?;
        }
        Ok(judge(&unit, self.running))
    }

    fn healthy(&self, probe: &Probe<'_>) -> Result {
        match self.running {
            Some(true) => check_running(&self.manager.unit(probe, &self.name)?, &self.name),
            _ => Ok(()),
        }
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let before = self.manager.unit_now(machine, &self.name)?;
        match self.command(&before) {
            "stop" if judge(&before, Some(false)).is_current() => Ok(()),
            "stop" => self.manager.run(machine, &["stop", &self.name]).map(|_| ()),
            command => self.bring_up(machine, &before, command),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(active: &str, sub: &str) -> Unit {
        Unit { active: active.into(), sub: sub.into(), ..Unit::default() }
    }

    #[test]
    fn facts_become_verdicts_and_commands() {
        let running = || SystemdService::new("x");
        let table: [(SystemdService, Unit, &str, &str); 12] = [
            (running(), unit("active", "running"), "", "restart"),
            (running().reload(), unit("active", "running"), "", "reload"),
            (running(), unit("reloading", "reload"), "", "restart"),
            (running(), unit("inactive", "dead"), "state inactive (dead) → running", "start"),
            (
                running().reload(),
                unit("failed", "failed"),
                "state failed (failed) → running",
                "start",
            ),
            (
                running(),
                unit("activating", "auto-restart"),
                "state activating (auto-restart) → running",
                "start",
            ),
            (
                running().reload(),
                unit("activating", "start"),
                "state activating (start) → running",
                "restart",
            ),
            (
                running().stopped(),
                unit("active", "exited"),
                "state active (exited) → stopped",
                "stop",
            ),
            (running().stopped(), unit("failed", "failed"), "", "stop"),
            (running().any_state(), unit("inactive", "dead"), "", "restart"),
            (running().any_state().reload(), unit("active", "running"), "", "reload"),
            (
                running().stopped(),
                unit("activating", "auto-restart"),
                "state activating (auto-restart) → stopped",
                "stop",
            ),
        ];
        for (service, unit, verdict, command) in table {
            let judged = judge(&unit, service.running);
            let told: Vec<_> = judged.changes().iter().map(Change::to_string).collect();
            assert_eq!(told.join("\n"), verdict, "{service:?} {unit:?}");
            assert_eq!(service.command(&unit), command, "{service:?} {unit:?}");
        }
    }

    #[test]
    fn a_unit_that_is_to_run_is_healthy_while_it_does() {
        let of = |active: &str, sub: &str| {
            check_running(&unit(active, sub), "x.service").map_err(|error| error.to_string())
        };
        assert_eq!(of("active", "running"), Ok(()));
        assert_eq!(of("reloading", "reload"), Ok(()));
        let told = "`x.service` does not run: it is activating (auto-restart)";
        assert_eq!(of("activating", "auto-restart"), Err(told.into()));
        assert!(of("failed", "failed").is_err());
    }

    #[test]
    fn a_unit_that_is_missing_or_broken_is_named() {
        let of = |load: &str| {
            let unit = Unit { load: load.into(), ..Unit::default() };
            check_loaded(&unit, "x.service").map_err(|error| format!("{error:#}"))
        };
        assert_eq!(of("loaded"), Ok(()));
        assert!(of("not-found").unwrap_err().contains("there is no unit `x.service`"));
        assert!(of("bad-setting").unwrap_err().contains("cannot load `x.service`: bad-setting"));
    }
}
