//! What the agent keeps on its host, below `TARGET/.togusa`.
//!
//! ```text
//! identity.json   project, environment and host that the directory belongs to
//! lock            locked by the deployment that runs, for as long as its process lives
//! holder.json     who that is, and which update it waits for
//! pending/        one mark for each trigger that is still to be performed
//! counters/       how often a component that provides to other roots has changed
//! acted/          the count that a dependant on another root's change has last acted on
//! managed/        what each root manages
//! rolling/        the roots that a rollout has begun to change and that are not in use again yet
//! rebooting/      the components that reboot the host, and what is done once it is back
//! drained/        the instances of other roots that a root has taken out of use
//! running/        the commands that run at the moment
//! deployments.jsonl  who deployed what, when, and how it ended
//! ```

mod counters;
mod durable;
mod identity;
mod lock;
mod managed;
mod marks;
mod reboots;
pub(crate) mod records;
mod rollout;

pub(crate) use counters::Counters;
pub(crate) use durable::{read as read_json, write as write_json};
pub(crate) use identity::Identity;
pub(crate) use lock::{Holder, HostLock, now};
pub(crate) use managed::Managed;
pub(crate) use marks::{Mark, Marks};
pub(crate) use reboots::{RebootNote, RebootNotes};
pub(crate) use rollout::{Drain, Drains, Rolling};

use std::path::{Path, PathBuf};

use crate::problem::{Code, Problem, code};

/// Creates the directory below a target directory in which all of this lies.
pub(crate) fn create(target: &Path) -> Result<(), StateError> {
    durable::create_directory(&target.join(".togusa"))
}

/// Removes what killed runs were still writing; the lock must be held.
pub(crate) fn remove_unfinished(target: &Path) {
    let state = target.join(".togusa");
    let kept = ["", "pending", "counters", "acted", "managed", "rolling", "rebooting", "drained"];
    for directory in kept {
        durable::remove_unfinished(&state.join(directory));
    }
}

/// Why the agent cannot keep its state on the host.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file or directory cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file or directory cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file holds something else than the agent wrote.
    #[error("`{path}` is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The target directory belongs to something else.
    #[error("target directory `{path}` belongs to {owner}, not to {wanted}")]
    Foreign {
        /// The target directory.
        path: PathBuf,
        /// Whose it is.
        owner: String,
        /// Who asks for it.
        wanted: String,
    },
    /// The target directory is something else than a directory.
    #[error("target directory `{path}` is not a directory")]
    NoDirectory {
        /// The target directory, or what stands in the way to it.
        path: PathBuf,
    },
    /// Another deployment holds the lock.
    #[error("another deployment holds the lock of `{path}`: {holder}")]
    Locked {
        /// The target directory.
        path: PathBuf,
        /// Who holds it, since when, and what it waits for.
        holder: String,
    },
}

impl StateError {
    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        match self {
            Self::Write { .. } | Self::Read { .. } => code::STATE_UNUSABLE,
            Self::Damaged { .. } => code::STATE_DAMAGED,
            Self::Foreign { .. } => code::TARGET_FOREIGN,
            Self::NoDirectory { .. } => code::TARGET_NO_DIRECTORY,
            Self::Locked { .. } => code::LOCKED,
        }
    }

    /// The error with what to do about it.
    pub(crate) fn into_problem(self) -> Problem {
        let hint = match &self {
            Self::Locked { .. } => Some("wait until it is done, or use `--wait`"),
            Self::Foreign { .. } => {
                Some("set another `target_directory`, or remove the directory if it is not needed")
            }
            Self::NoDirectory { .. } => {
                Some("set another `target_directory`, or remove what stands there")
            }
            Self::Write { .. } => Some("nothing was changed; see to space and permissions"),
            Self::Damaged { .. } => {
                Some("look at the file; remove it if what it says need not be remembered")
            }
            Self::Read { .. } => None,
        };
        let problem = Problem::from_error(&anyhow::Error::new(self), code::STATE_UNUSABLE);
        hint.into_iter().fold(problem, Problem::hint)
    }
}
