//! What decides whether a command runs.

use togusa_core::fault::CodeExt as _;
use togusa_core::host::ExecError;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::location::Location;

/// What decides whether a command runs.
#[derive(Debug)]
pub(super) enum Guard {
    /// It runs if this check fails.
    Unless(Exec),
    /// It runs only if this condition holds.
    OnlyIf(Exec),
    /// It runs if this is missing, or older than what it is made from.
    Creates { location: Location, inputs: Vec<Location>, resolved: Option<Files> },
}

/// What a command creates, and what from.
#[derive(Debug)]
pub(super) struct Files {
    target: HostPath,
    inputs: Vec<HostPath>,
}

/// How a check ended.
enum Check {
    Holds,
    /// It ran and was not satisfied.
    Fails,
    /// Its directory or its program is missing.
    CannotRun(ExecError),
}

impl Guard {
    pub(super) fn resolve(&mut self, directory: &HostPath, scope: &Scope<'_>) -> Result {
        match self {
            Self::Unless(check) | Self::OnlyIf(check) => {
                scope.check_arguments(check)?;
                *check = check.clone().default_directory(directory);
            }
            Self::Creates { location, inputs, resolved } => {
                let target = location.resolve(scope)?;
                let inputs = inputs.iter().map(|input| input.resolve(scope));
                *resolved = Some(Files { target, inputs: inputs.collect::<Result<_>>()? });
            }
        }
        Ok(())
    }

    pub(super) fn is_condition(&self) -> bool {
        matches!(self, Self::OnlyIf(_))
    }

    /// Stale, with the reason, if it wants the command to run.
    pub(super) fn judge(&self, probe: &Probe<'_>) -> Result<Verdict> {
        match self {
            Self::Unless(check) => Ok(match run(probe, check)? {
                Check::Holds => Verdict::current(),
                // A plan may look before the directory is there; then too it is to run.
                Check::Fails | Check::CannotRun(ExecError::NoDirectory { .. }) => {
                    Verdict::stale(format!("check `{check}` fails"))
                }
                // What the command is to install may be what the check needs; if it still cannot
                // run afterwards, the command has not converged.
                Check::CannotRun(error) => {
                    Verdict::stale(format!("check `{check}` fails: {error}"))
                }
            }),
            Self::OnlyIf(condition) => match run(probe, condition)? {
                Check::Holds => Ok(Verdict::stale(format!("condition `{condition}` holds"))),
                Check::Fails => Ok(Verdict::current()),
                Check::CannotRun(error) => Err(error).context("the condition cannot be tried"),
            },
            Self::Creates { resolved, .. } => {
                let files = resolved
                    .as_ref()
                    .context("the guard was not configured")
                    .code(code::NOT_CONFIGURED)?;
                probe.is_current(&files.target, &files.inputs)
            }
        }
    }
}

fn run(probe: &Probe<'_>, check: &Exec) -> Result<Check> {
    let Err(error) = probe.query(check) else { return Ok(Check::Holds) };
    Ok(match error.downcast::<ExecError>()? {
        ExecError::Failed { failure, .. } if failure.code.is_some() => Check::Fails,
        error @ (ExecError::NotFound { .. } | ExecError::NoDirectory { .. }) => {
            Check::CannotRun(error)
        }
        error => return Err(error.into()),
    })
}
