//! Programs of others that components run.

use togusa_core::host::{ExecError, Failure};
use togusa_core::prelude::*;
use togusa_core::system;

/// A program of another package; it is also looked for where only root has programs.
pub(crate) fn program(name: &str) -> Exec {
    let path = system::variable("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    let has = |directory: &str| path.split(':').any(|part| part == directory);
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].into_iter().filter(|part| !has(part));
    let more: String = more.map(|part| format!(":{part}")).collect();
    Exec::new(name).env("PATH", format!("{path}{more}"))
}

/// Says of a missing program which package has it.
#[cfg(any(
    feature = "accounts",
    feature = "checks",
    feature = "containers",
    feature = "data",
    feature = "services",
    feature = "system",
    feature = "web"
))]
pub(crate) fn of_package<T>(result: Result<T>, package: &str) -> Result<T> {
    let Err(error) = result else { return result };
    match error.downcast_ref::<ExecError>() {
        Some(ExecError::NotFound { program, .. }) => {
            let hint = format!(
                "install the package `{package}`, which has `{program}`, in an earlier component"
            );
            Err(error).hint(hint)
        }
        _ => Err(error),
    }
}

/// What a command that ran and failed is known by.
pub(crate) fn failure(error: &anyhow::Error) -> Option<&Failure> {
    match error.downcast_ref::<ExecError>() {
        Some(ExecError::Failed { failure, .. }) => Some(failure),
        _ => None,
    }
}
