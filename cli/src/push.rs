//! Starting the agent on a host by its digest, and pushing it to a host that lacks it.
//!
//! One remote command serves all cases. It runs `sh`, below sudo where another user converges, and
//! looks for `STORE/agents/PROJECT/DIGEST`. What the two ends then say are lines that begin with a
//! random tag, so that they are found behind whatever a login shell prints:
//!
//! | host | coordinator |
//! |---|---|
//! | `TAG have`, and becomes the agent | |
//! | `TAG need DIGEST SYSTEM MACHINE` | the second half of the script, `DIGEST SIZE` |
//! | `TAG send`, if that digest is another and not there either | SIZE bytes, by gzip |
//! | `TAG have`, or `TAG fail KIND DETAIL` | |
//!
//! What was unpacked runs under the name of the upload, which the shell removes if nobody else did:
//! the agent takes its place in the store once it has found its own digest right. The shell hashes
//! nothing, since many hosts compute SHA-256 several times as slowly as the agent does.
//!
//! A host that has the binary costs no answer, one that lacks it a single one before the upload:
//! who answers with the digest that was asked for sends the bytes right behind. The first half of
//! the script passes through the login shell, whichever it is, and stands in the logs of sudo; so
//! it is short, and free of what shells do not agree on. The second half is read from the
//! connection, so it may hold any character but a line end.

mod converse;
mod lines;
mod own;
mod prune;
mod refusal;
mod upload;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _};

use togusa_core::problem::Problem;

use crate::agents::AgentBinary;

pub(crate) use converse::flood;
pub use converse::{Rest, converse};
pub(crate) use lines::{Lines, NoLine};
pub use own::Own;
pub use prune::prune;
pub(crate) use refusal::refusal;
pub use refusal::unstarted;

/// What is to be started on a host.
#[derive(Clone, Debug)]
pub struct Start {
    /// Marks our lines among what a login shell prints; from [`tag`].
    pub tag: String,
    /// SHA-256 of the binary for the target that the host is expected to have.
    pub digest: String,
    /// The directory of the host that keeps binaries; `~` is the home of the converging user.
    pub store: String,
    /// The user to converge as, through `sudo -n -H`; `None`: the one who logs in.
    pub user: Option<String>,
    /// The name of the project, each of which keeps its own binaries.
    pub project: String,
    /// Takes a binary for missing that is there, because it did not run.
    pub replace: bool,
}

/// What a host is, in the words of `uname`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// `uname -s`, such as `Linux`.
    pub system: String,
    /// `uname -m`, such as `x86_64`.
    pub machine: String,
}

/// How far a push has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The host lacks the binary and is being sent it.
    Pushing {
        /// The target triple of the binary.
        target: String,
        /// What is sent, in compressed bytes.
        bytes: u64,
    },
    /// The binary arrived and starts.
    Pushed,
}

/// Why no agent runs on a host.
#[derive(Debug)]
pub enum StartError {
    /// The host did not say a first word in time.
    Silent,
    /// The host cannot keep or run the binary.
    Refused(Problem),
    /// The connection ended before the agent ran; why, stands in what the command printed on its
    /// standard error.
    Ended {
        /// The end of what came on standard output.
        printed: String,
    },
    /// There is no binary for the host.
    Binary(Problem),
}

const START: &str = include_str!("push/start.sh");
const PUSH: &str = include_str!("push/push.sh");

/// The command that sshd gives to the login shell of a host.
///
/// It passes through dash, bash, zsh, ksh, busybox, fish and csh.
pub fn start_command(start: &Start) -> String {
    let Start { tag, digest, store, .. } = start;
    let project = directory_of(&start.project);
    let replace = if start.replace { "replace" } else { "-" };
    let mut words = vec!["exec"];
    if let Some(user) = &start.user {
        words.extend(["sudo", "-n", "-H", "-u", user, "--"]);
    }
    let script = one_line(START);
    words.extend(["sh", "-c", &script, "togusa", tag, digest, store, &project, replace]);
    let quoted = words.into_iter().map(|word| shell_escape::unix::escape(Cow::Borrowed(word)));
    quoted.collect::<Vec<_>>().join(" ")
}

/// A tag that nobody prints by chance.
///
/// # Errors
/// The system gives no random bytes.
pub fn tag() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The name of a project as the name of one directory, different for different projects.
pub(crate) fn directory_of(project: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let mut name = String::new();
    for (place, byte) in project.bytes().enumerate() {
        if plain(byte) && !(place == 0 && byte == b'.') {
            name.push(char::from(byte));
        } else {
            name += &format!("%{byte:02x}");
        }
    }
    if name.is_empty() { "%".to_owned() } else { name }
}

/// A script without its line ends and indentation.
fn one_line(script: &str) -> String {
    script.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
