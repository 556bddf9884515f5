//! The systemd of a user that nobody is logged in as.

use std::time::Duration;

use togusa_core::demand;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::system;

use crate::foreign;
use crate::waiting::wait;

/// How long the systemd of a user may take to come up.
const COMES_UP: Duration = Duration::from_secs(20);

/// The converging user lingers: its systemd runs from boot on, and does not end with its last
/// session.
#[derive(Debug)]
pub(in crate::services) struct Linger;

/// The user, if it does not linger.
fn lingerless(probe: &Probe<'_>) -> Result<Option<String>> {
    let name = system::user_name().context("the converging user has no name")?;
    let file = HostPath::new(&probe.host().name, format!("/var/lib/systemd/linger/{name}"));
    Ok(probe.entry(&file)?.is_none().then_some(name))
}

impl Component for Linger {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Ok(match lingerless(probe)? {
            Some(user) => {
                Verdict::stale(format!("user {user} does not linger: its services end with it"))
            }
            None => Verdict::current(),
        })
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let Some(user) = lingerless(machine)? else { return Ok(()) };
        let exec = foreign::program("loginctl").args(["enable-linger", &user]);
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
        demand!(
            up.is_ok(),
            code::NO_USER_MANAGER,
            "the systemd of `{user}` does not come up, though the user lingers"
        );
        Ok(())
    }
}
