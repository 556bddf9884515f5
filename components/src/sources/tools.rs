//! Programs of the host that may be missing.

use togusa_core::host::ExecError;
use togusa_core::prelude::*;

/// Adds to an error that a program is missing how to get it.
pub(super) fn needing<T>(result: Result<T>, package: &str) -> Result<T> {
    match result {
        Err(error) if is_missing(&error) => {
            Err(error).hint(format!("install the package `{package}` on the host"))
        }
        result => result,
    }
}

/// Whether a command failed because there is no such program, also where sudo looked for it.
pub(super) fn is_missing(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(ExecError::NotFound { .. }) => true,
        Some(ExecError::Failed { failure, .. }) => {
            let mut lines = failure.stderr_tail.lines();
            lines.any(|line| line.starts_with("sudo: ") && line.ends_with(": command not found"))
        }
        _ => false,
    }
}
