//! Whether a unit starts by itself.

use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::super::systemd::{Manager, Unit};
use super::{Enabled, check_loaded};

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
        let unit = self.manager.unit(probe, &self.name)?;
        // What is not to start need not be there, nor be right.
        if self.wanted == Enabled::Yes {
            check_loaded(&unit, &self.name)?;
        }
        Ok(judge(&unit, self.wanted).0.into_iter().collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let unit = self.manager.unit_now(machine, &self.name)?;
        let fixed = ["static", "indirect", "generated", "transient"];
        if self.wanted == Enabled::Yes && fixed.contains(&&*unit.file_state) {
            return Err(fault!(
                code::UNIT_NOT_ENABLED,
                "`{}` cannot be enabled: it is {}",
                self.name,
                unit.file_state
            ))
            .hint("give its file an `[Install]` section, or ask for `.any_enablement()`");
        }
        for command in judge(&unit, self.wanted).1 {
            let done = self.manager.run(machine, &[command, &self.name]);
            match *command {
                "mask" => done.hint(
                    "a unit whose file lies in `/etc/systemd/system` cannot be masked; it can be \
                     disabled, or its file removed",
                )?,
                _ => done?,
            };
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
