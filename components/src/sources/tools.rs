//! Programs of the host that may be missing.

use togusa_core::host::{ExecError, Failure};
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

/// Whether a command failed because there is no such program.
pub(super) fn is_missing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ExecError::NotFound { .. }))
}

/// What a command that ran and failed is known by.
pub(super) fn failure(error: &anyhow::Error) -> Option<&Failure> {
    match error.downcast_ref() {
        Some(ExecError::Failed { failure, .. }) => Some(failure),
        _ => None,
    }
}
