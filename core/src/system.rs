//! The one home of what a process shares with the world: environment variables, its directory.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// The variable that holds a private key for secrets, or the path of one.
pub const IDENTITY_VARIABLE: &str = "TOGUSA_IDENTITY";

/// An environment variable that is set, not empty and UTF-8.
#[expect(clippy::disallowed_methods, reason = "this is the one home of environment variables")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A program that is to be started, on whatever machine. A private key in the environment of this
/// process is not handed on to it.
#[expect(clippy::disallowed_methods, reason = "this is the one home of programs that are started")]
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.env_remove(IDENTITY_VARIABLE);
    command
}

/// The directory that the process was started in.
///
/// # Errors
/// The directory is gone or may not be read.
pub fn current_directory() -> std::io::Result<PathBuf> {
    std::env::current_dir()
}

/// The name of the user that the process runs as; `None` if the system knows none.
pub fn user_name() -> Option<String> {
    crate::accounts::SYSTEM.user_name(user_id()).ok().flatten()
}

/// The number of the user whose rights the process has.
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}
