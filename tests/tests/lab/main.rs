//! The lab does what it says: hosts are apart, each fault is what it is named, nothing is left.
//!
//! | module | shows |
//! |---|---|
//! | `apart` | that hosts share nothing, and what the coordinator has |
//! | `end` | that nothing is left of a lab, however the test ends |
//! | `network` | cut, refusing, silent and slow lines, jump hosts |
//! | `programs` | that the very program is held |
//! | `sshd` | stopped and killed daemons, keys, restarts |
//! | `users` | shells, sudo, banners, disks |

mod apart;
mod end;
mod network;
mod programs;
mod sshd;
mod users;

use std::time::{Duration, Instant};

use togusa_tests::lab::{Lab, Output};

/// Waits for what is not told, and panics if it does not come.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not come to be");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a command on a host over ssh.
fn ssh(lab: &Lab, host: &str, command: &str) -> Output {
    ssh_with(lab, &[], host, command)
}

fn ssh_with(lab: &Lab, options: &[&str], host: &str, command: &str) -> Output {
    let options = options.iter().flat_map(|option| ["-o", option]);
    let mut program = lab.command("ssh");
    program.args(["-o", "BatchMode=yes"]).args(options).args([host, command]).output()
}
