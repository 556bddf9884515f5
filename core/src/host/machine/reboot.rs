//! Rebooting a host in the middle of a run.

use std::convert::Infallible;
use std::fmt::Debug;
use std::time::Duration;

use anyhow::Result;

use super::Machine;
use crate::fail;
use crate::host::{Exec, ExecError};
use crate::problem::code;

/// The run, as a component that reboots its host needs it.
pub(crate) trait Reboots: Debug {
    /// Waits until nothing else is done on the host, and keeps others from it; then the run is to go on
    /// when the host is back.
    fn begin(&self, timeout: Duration) -> Result<()>;

    /// The host was told to reboot: waits until it takes this process with it, and returns only if it
    /// does not. The command is named in what is said then.
    fn wait(&self, command: &str, timeout: Duration) -> Result<Infallible>;

    /// There will be no reboot.
    fn cancel(&self);

    /// Whether the host is one of a test, that nothing reboots.
    fn is_staged(&self) -> bool;
}

impl<'a> Machine<'a> {
    /// Lets the component reboot the host.
    pub(crate) fn rebooting(self, reboots: &'a dyn Reboots) -> Self {
        Self { reboots: Some(reboots), ..self }
    }

    /// Reboots the host by a command, after all else that is being done on it has ended; the run goes on
    /// once the host is back, within the time that is given.
    ///
    /// It does not return when all goes well: the process ends with the host. When the host is back, the
    /// component has performed what was triggered of it, and is verified anew.
    ///
    /// A host of a test harness is not rebooted; the command runs if it is faked, and the run goes on
    /// as if the host were back.
    ///
    /// # Errors
    /// The host is the one that the deployment is run on; the command failed; the host did not go down
    /// in time; the run was interrupted before.
    pub fn reboot(&self, command: &Exec, timeout: Duration) -> Result<()> {
        let Some(reboots) = self.reboots else {
            fail!(code::NO_REBOOT, "only `update` can reboot its host");
        };
        reboots.begin(timeout)?;
        let is_faked = || {
            let programs = self.site.programs.as_ref();
            programs.is_some_and(|programs| programs.known.contains_key(&command.program))
        };
        let end = if reboots.is_staged() && !is_faked() { None } else { self.run(command).err() };
        match end {
            Some(error) if !went_down(&error) => {
                reboots.cancel();
                Err(error)
            }
            _ => match reboots.wait(&command.short(&self.site.secrets), timeout)? {},
        }
    }
}

/// Whether a command may have ended because the host goes down.
fn went_down(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(ExecError::Failed { failure, .. }) => failure.signal.is_some(),
        _ => false,
    }
}
