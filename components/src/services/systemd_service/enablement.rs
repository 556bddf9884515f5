//! Whether a unit starts by itself.

use std::time::Duration;

use togusa_core::prelude::*;
use togusa_core::system;

use crate::foreign;
use crate::waiting::wait;

use super::super::systemd::{Manager, Unit};
use super::{Enabled, check_loaded};

/// How long the systemd of a user may take to come up.
const COMES_UP: Duration = Duration::from_secs(20);

/// A unit starts at boot, or does not, or cannot be started at all.
///
/// It stands apart from the service itself, so that what is only to be enabled is not restarted.
#[derive(Debug)]
pub(super) struct Enablement {
    name: String,
    manager: Manager,
    wanted: Enabled,
}

impl Enablement {
    pub(super) fn new(name: String, manager: Manager, wanted: Enabled) -> Self {
        Self { name, manager, wanted }
    }

    /// The user whose services would end with its last session.
    fn lingerless(&self, probe: &Probe<'_>) -> Result<Option<String>> {
        if self.manager == Manager::System || self.wanted != Enabled::Yes {
            return Ok(None);
        }
        let name = system::user_name().context("the converging user has no name")?;
        let file = HostPath::new(&probe.host().name, format!("/var/lib/systemd/linger/{name}"));
        Ok(probe.entry(&file)?.is_none().then_some(name))
    }

    fn linger(&self, machine: &Machine<'_>, user: &str) -> Result {
        let exec = foreign::program("loginctl").args(["enable-linger", user]);
        let done = foreign::of_package(machine.run(&exec), "systemd");
        done.hint(format!("run `loginctl enable-linger {user}` as root"))?;
        let socket = format!("/run/user/{}/systemd/private", system::user_id());
        let socket = HostPath::new(&machine.host().name, socket);
        let up = wait(machine, COMES_UP, Duration::from_millis(100), || {
            Ok(match machine.entry(&socket)? {
                Some(_) => Ok(()),
                None => Err(String::new()),
            })
        })?;
        ensure!(up.is_ok(), "the systemd of `{user}` does not come up, though the user lingers");
        Ok(())
    }
}

/// What differs, and the commands that mend it.
fn judge(unit: &Unit, wanted: Enabled) -> (Option<Change>, &'static [&'static str]) {
    let state = match &*unit.file_state {
        "" => "disabled",
        state => state,
    };
    let masked = state.starts_with("masked");
    let change = |to: &str| Some(Change::property("start at boot", state, to));
    match wanted {
        Enabled::Yes if state == "enabled" => (None, &[]),
        Enabled::Yes if masked => (change("enabled"), &["unmask", "enable"]),
        Enabled::Yes => (change("enabled"), &["enable"]),
        Enabled::No if state.starts_with("enabled") => (change("disabled"), &["disable"]),
        Enabled::No if masked => (change("disabled"), &["unmask"]),
        Enabled::No => (None, &[]),
        Enabled::Masked if state == "masked" => (None, &[]),
        Enabled::Masked => (change("masked"), &["mask"]),
    }
}

impl Component for Enablement {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if let Some(user) = self.lingerless(probe)? {
            let text = format!("user {user} does not linger: its services end with its session");
            return Ok(Verdict::stale(text));
        }
        let unit = self.manager.unit(probe, &self.name)?;
        if unit.load == "not-found" && self.wanted == Enabled::No {
            return Ok(Verdict::current());
        }
        if self.wanted != Enabled::Masked {
            check_loaded(&unit, &self.name)?;
        }
        Ok(judge(&unit, self.wanted).0.into_iter().collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if let Some(user) = self.lingerless(machine)? {
            self.linger(machine, &user)?;
        }
        let unit = self.manager.unit_now(machine, &self.name)?;
        let fixed = ["static", "indirect", "generated", "transient"];
        if self.wanted == Enabled::Yes && fixed.contains(&&*unit.file_state) {
            return Err(anyhow!("`{}` cannot be enabled: it is {}", self.name, unit.file_state))
                .hint("give its file an `[Install]` section, or ask for `.any_enablement()`");
        }
        for command in judge(&unit, self.wanted).1 {
            self.manager.run(machine, &[command, &self.name])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_become_verdicts_and_commands() {
        for (state, wanted, verdict, commands) in [
            ("enabled", Enabled::Yes, "", ""),
            ("disabled", Enabled::Yes, "start at boot disabled → enabled", "enable"),
            ("", Enabled::Yes, "start at boot disabled → enabled", "enable"),
            ("enabled-runtime", Enabled::Yes, "start at boot enabled-runtime → enabled", "enable"),
            ("static", Enabled::Yes, "start at boot static → enabled", "enable"),
            ("masked", Enabled::Yes, "start at boot masked → enabled", "unmask enable"),
            ("enabled", Enabled::No, "start at boot enabled → disabled", "disable"),
            ("masked", Enabled::No, "start at boot masked → disabled", "unmask"),
            ("static", Enabled::No, "", ""),
            ("disabled", Enabled::No, "", ""),
            ("enabled", Enabled::Masked, "start at boot enabled → masked", "mask"),
            ("masked-runtime", Enabled::Masked, "start at boot masked-runtime → masked", "mask"),
            ("masked", Enabled::Masked, "", ""),
        ] {
            let unit = Unit { file_state: state.into(), ..Unit::default() };
            let (change, told) = judge(&unit, wanted);
            let change = change.map(|change| change.to_string()).unwrap_or_default();
            assert_eq!((&*change, &*told.join(" ")), (verdict, commands), "{state} {wanted:?}");
        }
    }
}
