//! The programs that change accounts.

use std::collections::BTreeSet;
use std::time::Duration;

use togusa_core::host::ExecError;
use togusa_core::prelude::*;

use crate::privilege::require_root;

/// How long a program may take that changes an account; a home directory may be large.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Runs a program of shadow, or the one of busybox that does the same, if there is one.
///
/// Only one of them at a time: each locks the files of accounts, and gives up if they are locked.
pub(super) fn run(machine: &Machine<'_>, shadow: Exec, busybox: Option<Exec>) -> Result {
    require_root(machine, "change accounts")?;
    let _files = machine.exclusive("accounts");
    let shadow = shadow.timeout(TIMEOUT);
    let missing = match machine.run(&shadow) {
        Err(error) if is_missing(&error) => error,
        done => return done.map(|_| ()),
    };
    let Some(busybox) = busybox else { return Err(missing).hint(INSTALL) };
    match machine.run(&busybox.timeout(TIMEOUT)) {
        // Where there is neither, the first one is what to install.
        Err(error) if is_missing(&error) => Err(missing).hint(INSTALL),
        done => done.map(|_| ()),
    }
}

/// A program of busybox. By its own name it may be another one: Debian's `adduser` knows other
/// options.
pub(super) fn busybox(program: &str) -> Exec {
    Exec::new("busybox").arg(program)
}

const INSTALL: &str = "install the programs that change accounts: package `passwd` of Debian, \
                       `shadow` of Alpine, `shadow-utils` of Fedora";

/// Whether an error means that there is no such program, or that busybox was built without it.
fn is_missing(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(ExecError::NotFound { .. }) => true,
        Some(ExecError::Failed { failure, .. }) => {
            failure.code == Some(127) && failure.stderr_tail.contains("applet not found")
        }
        _ => false,
    }
}

/// Refuses names that the programs would take for something else.
pub(super) fn check_name(kind: &str, name: &str) -> Result {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !":,/'\"\\".contains(c);
    let is_name = !name.is_empty()
        && name.len() <= 32
        && !name.starts_with(['-', '+', '~'])
        && !name.bytes().all(|byte| byte.is_ascii_digit())
        && name.chars().all(is_plain);
    if is_name {
        return Ok(());
    }
    Err(anyhow!("`{name}` cannot be the name of a {kind}"))
        .hint("a name has at most 32 letters, digits, `-`, `_` and `.`, and is no number")
}

/// Another set of names: `members anna, bert → anna`.
pub(super) fn names_change(what: &str, from: &BTreeSet<String>, to: &BTreeSet<String>) -> Change {
    let shown = |names: &BTreeSet<String>| match names.len() {
        0 => "none".to_owned(),
        _ => names.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    };
    Change::property(what, shown(from), shown(to))
}
