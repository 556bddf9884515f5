//! Errors of component code: their codes and remedies, and how they become problems.
//!
//! # Which code an error gets
//!
//! 1. That of a cause which means the same wherever it happens: one that somebody named, by
//!    [`fault!`](crate::fault!), [`fail!`](crate::fail!), [`demand!`](crate::demand!) or
//!    [`CodeExt::code`], or one that its type tells, such as a program that is missing. Of several it
//!    is the innermost, which says what really went wrong.
//! 2. Else that of a cause whose meaning depends on where it happens, such as a command that failed or
//!    a file that is not there; again the innermost.
//! 3. Else that of the step: configure, verify or update.

use std::fmt;
use std::io::{self, ErrorKind};

use crate::assets::AssetError;
use crate::component::{NoDrain, NoUpdate};
use crate::engine::StateError;
use crate::host::ExecError;
use crate::model::draft::Unmet;
use crate::panics::Panicked;
use crate::problem::{Code, Problem, code};
use crate::template::TemplateError;

/// Makes an error with a code: `fault!(code::NEEDS_ROOT, "only root may {what}")`.
#[macro_export]
macro_rules! fault {
    ($code:expr, $($message:tt)+) => {
        $crate::fault::Fault::error($code, ::std::format!($($message)+))
    };
}

/// Returns early with an error that has a code: `fail!(code::NEEDS_ROOT, "only root may {what}")`.
#[macro_export]
macro_rules! fail {
    ($code:expr, $($message:tt)+) => {
        return ::std::result::Result::Err($crate::fault!($code, $($message)+))
    };
}

/// Returns early with an error that has a code unless something holds:
/// `demand!(is_name, code::NOT_A_NAME, "`{name}` is no name")`.
#[macro_export]
macro_rules! demand {
    ($holds:expr, $code:expr, $($message:tt)+) => {
        if !$holds {
            $crate::fail!($code, $($message)+);
        }
    };
}

/// A message with its code; made by [`fault!`](crate::fault!).
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    code: Code,
    message: String,
}

impl Fault {
    /// The error.
    pub fn error(code: Code, message: String) -> anyhow::Error {
        Self { code, message }.into()
    }
}

/// What to do about an error; attached by [`HintExt::hint`] and shown below the causes.
#[derive(Debug)]
struct Hint {
    text: String,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An error that knows its remedy and travels as one of the system's, through who knows only those.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Remedied {
    code: Code,
    message: String,
    hint: String,
}

impl Remedied {
    /// The error, with what to do about it.
    pub(crate) fn error(code: Code, message: String, hint: String) -> io::Error {
        io::Error::other(Self { code, message, hint })
    }

    /// An error that is one of these.
    fn within<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
    }
}

/// Adds what to do about it to the error of a result.
pub trait HintExt<T> {
    /// Attaches a remedy, shown as `hint: …` below the error.
    ///
    /// # Errors
    /// The error that was there, with the hint.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> HintExt<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| error.into().context(Hint { text: hint.into() }))
    }
}

/// The code of an error; attached by [`CodeExt::code`]. It reads like the error that it was attached
/// to.
#[derive(Debug)]
struct Named {
    code: Code,
    text: String,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Names the kind of an error.
pub trait CodeExt {
    /// What has the code.
    type Coded;

    /// Gives a code to an error, unless one of its causes has one that means the same everywhere.
    fn code(self, code: Code) -> Self::Coded;
}

impl CodeExt for anyhow::Error {
    type Coded = Self;

    fn code(self, code: Code) -> Self {
        if certain(&self).is_some() {
            return self;
        }
        let text = self.to_string();
        self.context(Named { code, text })
    }
}

impl<T, E: Into<anyhow::Error>> CodeExt for Result<T, E> {
    type Coded = anyhow::Result<T>;

    fn code(self, code: Code) -> anyhow::Result<T> {
        self.map_err(|error| error.into().code(code))
    }
}

/// Which step of a component an error comes from; a context that also tells the code of an error
/// which has none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failed {
    Verify,
    Update,
}

impl Failed {
    fn code(self) -> Code {
        match self {
            Self::Verify => code::VERIFY_FAILED,
            Self::Update => code::UPDATE_FAILED,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verify => "verify failed",
            Self::Update => "update failed",
        })
    }
}

impl Problem {
    /// Reads an error of component code: its message, the chain of causes, the hint, and its code;
    /// `otherwise` is that of an error which has none.
    pub fn from_error(error: &anyhow::Error, otherwise: Code) -> Self {
        let mut texts = Vec::new();
        for cause in error.chain() {
            let text = cause.to_string();
            if texts.last() != Some(&text) {
                texts.push(text);
            }
        }
        let hint = error.downcast_ref::<Hint>().map(|hint| hint.text.clone());
        let remedied = || error.chain().find_map(Remedied::within);
        let hint = hint.or_else(|| remedied().map(|error| error.hint.clone()));
        if let Some(hint) = &hint {
            texts.retain(|text| text != hint);
        }
        let mut texts = texts.into_iter();
        let problem =
            Self::new(code_of(error).unwrap_or(otherwise), texts.next().unwrap_or_default());
        Self { causes: texts.collect(), hint, ..problem }
    }
}

/// What these mean depends on where they happen: whoever knows that may name another code.
const VAGUE: [Code; 8] = [
    code::ASSET_UNREADABLE,
    code::COMMAND_FAILED,
    code::COMMAND_HUNG,
    code::COMMAND_NOT_STARTED,
    code::IN_THE_WAY,
    code::NO_FILE,
    code::PERMISSION_DENIED,
    code::STATE_UNUSABLE,
];

/// The code of an error, if it has one.
fn code_of(error: &anyhow::Error) -> Option<Code> {
    certain(error)
        .or_else(|| error.chain().filter_map(known).last())
        .or_else(|| error.downcast_ref::<Failed>().map(|step| step.code()))
}

/// The code that an error has whatever is said around it.
fn certain(error: &anyhow::Error) -> Option<Code> {
    let certain = error.chain().filter_map(known).filter(|code| !VAGUE.contains(code));
    certain.last().or_else(|| error.downcast_ref::<Named>().map(|named| named.code))
}

/// The code of one cause, if its type tells one.
fn known(error: &(dyn std::error::Error + 'static)) -> Option<Code> {
    if let Some(remedied) = Remedied::within(error) {
        return Some(remedied.code);
    }
    None.or_else(|| error.downcast_ref::<Fault>().map(|fault| fault.code))
        .or_else(|| error.downcast_ref::<ExecError>().map(ExecError::code))
        .or_else(|| error.downcast_ref::<AssetError>().map(AssetError::code))
        .or_else(|| error.downcast_ref::<TemplateError>().map(TemplateError::code))
        .or_else(|| error.downcast_ref::<StateError>().map(StateError::code))
        .or_else(|| error.downcast_ref::<Unmet>().map(Unmet::code))
        .or_else(|| error.downcast_ref::<NoUpdate>().map(NoUpdate::code))
        .or_else(|| error.downcast_ref::<NoDrain>().map(NoDrain::code))
        .or_else(|| error.downcast_ref::<Panicked>().map(Panicked::code))
        .or_else(|| error.downcast_ref::<io::Error>().and_then(of_system))
}

/// The code of what the system reported, where that alone says what is wrong.
fn of_system(error: &io::Error) -> Option<Code> {
    Some(match error.kind() {
        ErrorKind::PermissionDenied => code::PERMISSION_DENIED,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => code::DISK_FULL,
        ErrorKind::ReadOnlyFilesystem => code::READ_ONLY,
        ErrorKind::NotFound => code::NO_FILE,
        ErrorKind::IsADirectory | ErrorKind::NotADirectory => code::IN_THE_WAY,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn the_hint_of_an_error_stands_apart_from_its_causes() {
        let error = Err::<(), _>(io::Error::other("disk on fire"))
            .context("failed to write `a`")
            .hint("put the fire out")
            .context("failed to save")
            .unwrap_err();

        assert_eq!(
            Problem::from_error(&error, code::UPDATE_FAILED).to_string(),
            "failed to save\n  1: failed to write `a`\n  2: disk on fire\n  hint: put the fire out"
        );
    }

    #[test]
    fn an_error_of_the_system_may_know_its_remedy() {
        let error =
            Err::<(), _>(Remedied::error(code::LED_ASTRAY, "led astray".into(), "stay".into()));
        let error = error.context("failed to walk").unwrap_err();
        let text = Problem::from_error(&error, code::UPDATE_FAILED).to_string();
        assert_eq!(text, "failed to walk\n  1: led astray\n  hint: stay");
    }

    fn code_of(error: anyhow::Error) -> Code {
        Problem::from_error(&error, code::UPDATE_FAILED).code
    }

    #[test]
    fn what_was_named_first_wins_over_what_was_named_around_it() {
        let error = fault!(code::MODE_FORM, "no mode").context("failed").code(code::OPTIONS_CLASH);
        assert_eq!(code_of(error), code::MODE_FORM);
        let inner = anyhow::anyhow!("odd").code(code::NOT_PEM);
        assert_eq!(code_of(inner.context("failed").code(code::OPTIONS_CLASH)), code::NOT_PEM);
    }

    #[test]
    fn who_knows_where_it_happened_may_name_what_is_vague() {
        let missing = || anyhow::Error::new(io::Error::from(ErrorKind::NotFound)).context("failed");
        assert_eq!(code_of(missing()), code::NO_FILE);
        assert_eq!(code_of(missing().code(code::NOT_PEM)), code::NOT_PEM);
        let full = anyhow::Error::new(io::Error::from(ErrorKind::StorageFull)).context("failed");
        assert_eq!(code_of(full.code(code::NOT_PEM)), code::DISK_FULL);
    }

    #[test]
    fn what_has_no_code_gets_that_of_its_step() {
        assert_eq!(code_of(anyhow::anyhow!("odd").context("failed")), code::UPDATE_FAILED);
        assert_eq!(code_of(io::Error::other("odd").into()), code::UPDATE_FAILED);
        let verified = anyhow::anyhow!("odd").context(Failed::Verify).context("failed");
        assert_eq!(code_of(verified), code::VERIFY_FAILED);
    }

    #[test]
    fn a_code_is_no_cause() {
        let error = anyhow::anyhow!("odd").code(code::NOT_PEM);
        assert_eq!(error.to_string(), "odd");
        let error = error.context("failed");
        let error = Err::<(), _>(error).hint("mend it").unwrap_err();
        let text = Problem::from_error(&error, code::UPDATE_FAILED).to_string();
        assert_eq!(text, "failed\n  1: odd\n  hint: mend it");
    }
}
