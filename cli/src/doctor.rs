//! Whether hosts can be deployed to, found out without an agent.
//!
//! | module | what lives there |
//! |---|---|
//! | `ask` | one remote command per host, in `sh` alone: `login.sh`, which starts `converging.sh` |
//! | `answers` | what hosts say, read from tagged lines |
//! | `judge` | what of that keeps a deployment from succeeding, or deserves attention |
//! | `here` | the same for this machine |
//! | `table` | rows by host, those together that came to the same |
//! | `data` | facts as TOML, to be put into an environment |
//!
//! Nothing is changed on a host: a file that tells whether a directory can be written is removed at
//! once.

mod answers;
mod ask;
pub(crate) mod data;
pub(crate) mod here;
mod judge;
pub(crate) mod table;

use std::sync::Arc;

use serde::Serialize;
use togusa_core::problem::Problem;

use crate::agents::AgentBinary;

pub use answers::Answers;
pub use ask::{Answer, Asked, Asking};
pub use judge::judge;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether a deployment fails for it.
    pub severity: Severity,
    /// What it is, and what to do.
    pub problem: Problem,
}

/// What a finding means for a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It fails.
    Error,
    /// It may go on.
    Warning,
}

/// What there is to be pushed to a host: a binary, or nothing yet, but one can be built.
pub type Supply = Result<Option<Arc<AgentBinary>>, Problem>;

impl Finding {
    /// What makes a deployment fail.
    pub fn error(problem: Problem) -> Self {
        Self { severity: Severity::Error, problem }
    }

    /// What deserves attention.
    pub fn warning(problem: Problem) -> Self {
        Self { severity: Severity::Warning, problem }
    }
}

/// Whether a deployment fails for one of these.
pub fn is_sound<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> bool {
    findings.into_iter().all(|finding| finding.severity != Severity::Error)
}

#[cfg(test)]
mod tests;
