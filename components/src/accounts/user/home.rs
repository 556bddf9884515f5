//! The home directory of a user.

use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::User;
use crate::accounts::database::{Database, UserLine};

fn path(probe: &Probe<'_>, home: &str) -> HostPath {
    HostPath::new(&probe.host().name, home)
}

impl User {
    /// The home directory that is missing.
    pub(super) fn lost_home(
        &self,
        probe: &Probe<'_>,
        present: Option<&UserLine>,
    ) -> Result<Option<HostPath>> {
        let home = self.home.as_deref().or(present.map(|line| &*line.home));
        let Some(home) = home.filter(|home| self.creates_home() && home.starts_with('/')) else {
            return Ok(None);
        };
        let home = path(probe, home);
        Ok(if probe.entry(&home)?.is_some() { None } else { Some(home) })
    }

    /// The home directory that is left of an absent user.
    pub(super) fn left_home(&self, probe: &Probe<'_>) -> Result<Option<HostPath>> {
        let Some(home) = self.home.as_deref().filter(|_| self.remove_home) else { return Ok(None) };
        let home = path(probe, home);
        Ok(probe.entry(&home)?.map(|_| home))
    }

    /// Refuses to remove what belongs to somebody else, before the user is gone.
    pub(super) fn check_removal(
        &self,
        probe: &Probe<'_>,
        database: &Database,
        present: Option<&UserLine>,
    ) -> Result {
        let home = present.map(|line| &*line.home).or(self.home.as_deref());
        let Some(home) = home.filter(|home| self.remove_home && home.starts_with('/')) else {
            return Ok(());
        };
        let Some(entry) = probe.entry(&path(probe, home))? else { return Ok(()) };
        let is_own = match present {
            Some(present) => entry.uid == present.uid,
            // The number of a user that is gone has no name.
            None => !database.has_uid(entry.uid),
        };
        if is_own {
            return Ok(());
        }
        let owner = probe.user_name(entry.uid);
        Err(fault!(
            code::HOME_IN_THE_WAY,
            "the home directory `{home}` belongs to `{owner}`, so it is not removed"
        ))
        .hint("leave out `.remove_home()`")
    }

    /// Makes way for a home directory that is moved: `usermod` would notice too late that it cannot.
    pub(super) fn prepare_move(&self, machine: &Machine<'_>, present: &UserLine) -> Result {
        let Some(home) = self.home.as_deref() else { return Ok(()) };
        let to = path(machine, home);
        if machine.entry(&path(machine, &present.home))?.is_none() {
            return Ok(());
        }
        if machine.entry(&to)?.is_some() {
            return Err(fault!(
                code::HOME_IN_THE_WAY,
                "the files of `{}` cannot be moved to `{home}`, which exists",
                self.name
            ))
            .hint("move what it holds, and remove it; or leave out `.move_home()`");
        }
        machine.create_leading(&to)
    }
}
