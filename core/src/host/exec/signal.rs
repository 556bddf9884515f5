//! Ending the processes of a command.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::process::{Process, group_is_alive};

use crate::system;

/// The processes of a command, to be ended together.
pub(super) struct Group<'a> {
    pub(super) leader: i32,
    /// The user that sudo made of the converging one.
    pub(super) sudo_user: Option<&'a str>,
}

impl Group<'_> {
    /// Sends a signal to all processes of the command. Who is gone already needs none.
    pub(super) fn send(&self, signal: Signal) {
        let sent = killpg(Pid::from_raw(self.leader), signal);
        let Some(user) = self.sudo_user else { return };
        if sent == Err(Errno::ESRCH) || crate::system::user_id() == 0 {
            return;
        }
        // The processes below sudo belong to another user, and only that user may end them.
        let mut command = sudo(user);
        command.args(["kill", "-s", signal.as_str().trim_start_matches("SIG"), "--"]);
        command.args(Process::descendants(self.leader).iter().map(ToString::to_string));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // If it cannot be done, the command is reported as hanging all the same.
        let _ = command.status();
    }

    /// Waits until no process of the group runs; `false`: some still do.
    pub(super) fn is_gone_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while group_is_alive(self.leader) {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }
}

/// The beginning of a command line as another user.
pub(super) fn sudo(user: &str) -> Command {
    let mut command = system::program("sudo");
    command.args(["-n", "-H", "-u", user]);
    command
}
