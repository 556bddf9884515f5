//! The programs that change accounts.

use std::collections::BTreeSet;
use std::time::Duration;

use togusa_core::fault;
use togusa_core::host::{Exclusive, ExecError, Failure, Output};
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::database::{Database, Shadow};
use crate::privilege::require_root;

/// How long a program may take that changes an account; a home directory may be large.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Keeps the accounts to one component at a time, with what the files tell by then: a user and its
/// group may be made by two roots at once, and each program gives up if another holds the files.
pub(super) fn alone<'a>(machine: &Machine<'a>) -> Result<Exclusive<'a>> {
    require_root(machine, "change accounts")?;
    let alone = machine.exclusive("accounts");
    machine.invalidate::<Database>();
    machine.invalidate::<Shadow>();
    Ok(alone)
}

/// Runs a program of shadow, or the one of busybox that does the same, if there is one.
pub(super) fn run(machine: &Machine<'_>, shadow: Exec, busybox: Option<Exec>) -> Result {
    let shadow = shadow.timeout(TIMEOUT);
    let missing = match machine.run(&shadow) {
        Err(error) if is_missing(&error) => error,
        done => return in_use(done),
    };
    let Some(busybox) = busybox else { return Err(missing).hint(INSTALL) };
    match machine.run(&busybox.timeout(TIMEOUT)) {
        // Where there is neither, the first one is what to install.
        Err(error) if is_missing(&error) => Err(missing).hint(INSTALL),
        done => in_use(done),
    }
}

/// Says what to do about an account that is in use.
fn in_use(done: Result<Output>) -> Result {
    match done {
        Err(error)
            if is_failure(&error, |failure| failure.stderr_tail.contains("currently used")) =>
        {
            Err(error).hint("stop what runs as that user in an earlier component")
        }
        done => done.map(|_| ()),
    }
}

fn is_failure(error: &anyhow::Error, test: impl Fn(&Failure) -> bool) -> bool {
    matches!(error.downcast_ref(), Some(ExecError::Failed { failure, .. }) if test(failure))
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
    let no_applet = |failure: &Failure| failure.stderr_tail.contains("applet not found");
    matches!(error.downcast_ref(), Some(ExecError::NotFound { .. }))
        || is_failure(error, |failure| failure.code == Some(127) && no_applet(failure))
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
    Err(fault!(code::NOT_A_NAME, "`{name}` cannot be the name of a {kind}"))
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

/// A value that may be empty.
pub(super) fn shown(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}
