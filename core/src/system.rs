//! The one home of what a process shares with the world: environment variables, its directory.

use std::path::PathBuf;

/// An environment variable that is set, not empty and UTF-8.
#[expect(clippy::disallowed_methods, reason = "this is the one home of environment variables")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
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
