//! The programs that change packages.

use std::time::Duration;

use togusa_core::host::{Exclusive, ExecError, Failure};
use togusa_core::prelude::*;

use super::installed::{Installed, Upgradable, remedied};
use crate::privilege::require_root;

/// How long an installation may take, beside the time that it waits for others.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Keeps packages to one component at a time, with what is installed by then.
pub(super) fn alone<'a>(machine: &Machine<'a>) -> Result<Exclusive<'a>> {
    require_root(machine, "change packages")?;
    let alone = machine.exclusive("dpkg");
    machine.invalidate::<Installed>();
    machine.invalidate::<Upgradable>();
    Ok(alone)
}

/// Runs `apt-get`, which waits for whoever holds the packages. What was cut off is finished first.
pub(super) fn apt_get(machine: &Machine<'_>, args: &[String], wait: Duration) -> Result {
    let run = || run(machine, &silent("apt-get", wait).args(args.iter().cloned()), wait);
    match run() {
        Err(error) if is(&error, "dpkg --configure -a") => {
            let keep = ["--force-confdef", "--force-confold", "--configure", "--pending"];
            let configure = silenced(Exec::new("dpkg")).args(keep).timeout(TIMEOUT);
            remedied(machine.run(&configure))?;
            run()
        }
        done => done,
    }
}

/// Runs a command again as long as another program is at what it needs.
pub(super) fn run(machine: &Machine<'_>, command: &Exec, wait: Duration) -> Result {
    let start = std::time::Instant::now();
    loop {
        let busy = match remedied(machine.run(command)) {
            Err(error) if is(&error, "Could not get lock") => error,
            done => return done.map(|_| ()),
        };
        if start.elapsed() >= wait {
            return Err(busy).hint("another program holds the packages; it is named above");
        }
        // As a command, so that an interruption ends it.
        machine.run(&Exec::new("sleep").arg("1"))?;
    }
}

/// Sets or ends a hold.
pub(super) fn apt_mark(machine: &Machine<'_>, mark: &str, names: &[&str]) -> Result {
    let apt_mark = Exec::new("apt-mark").arg(mark).args(names.iter().copied());
    remedied(machine.run(&apt_mark.timeout(TIMEOUT))).map(|_| ())
}

/// A program of apt that asks nothing and keeps configuration that was changed by hand.
pub(super) fn silent(program: &str, wait: Duration) -> Exec {
    let options = [
        "Dpkg::Options::=--force-confdef".to_owned(),
        "Dpkg::Options::=--force-confold".to_owned(),
        "Dpkg::Use-Pty=0".to_owned(),
        format!("DPkg::Lock::Timeout={}", wait.as_secs()),
    ];
    let exec = silenced(Exec::new(program)).args(["--yes", "--quiet"]);
    let exec = exec.args(options.into_iter().flat_map(|option| ["-o".to_owned(), option]));
    exec.timeout(TIMEOUT + wait)
}

fn silenced(exec: Exec) -> Exec {
    let variables = [("DEBIAN_FRONTEND", "noninteractive"), ("APT_LISTCHANGES_FRONTEND", "none")];
    variables.into_iter().fold(exec, |exec, (name, value)| exec.env(name, value))
}

/// Whether `apt-get` failed because the index lacks a package or a version, or names a file that is
/// gone.
pub(super) fn is_unknown(error: &anyhow::Error) -> bool {
    ["Unable to locate package", "has no installation candidate", "Couldn't find any package"]
        .into_iter()
        .chain(["was not found", "404 ", "Unable to fetch some archives", "Failed to fetch"])
        .any(|words| is(error, words))
}

/// Whether a source could not be fetched, or is not what it should be.
pub(super) fn is_unreachable(error: &anyhow::Error) -> bool {
    let words = ["Failed to fetch", "is not signed", "does not have a Release file", "GPG error"];
    words.into_iter().any(|words| is(error, words))
}

fn is(error: &anyhow::Error, words: &str) -> bool {
    let says = |failure: &Failure| failure.stderr_tail.contains(words);
    matches!(error.downcast_ref(), Some(ExecError::Failed { failure, .. }) if says(failure))
}
