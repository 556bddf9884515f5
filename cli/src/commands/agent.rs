use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use togusa_core::engine::BUILD;
use togusa_core::problem::{Problem, code};
use togusa_core::registry::Registry;

use crate::agents::build_of_tail;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::push::Own;
use crate::transport::home;

/// Converge this host as a coordinator says over standard input and output
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub struct Agent {
    /// The SHA-256 that this program must have
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
    /// Where an upload put this program, which then goes to its place in the store
    #[arg(long, value_name = "PATH", requires = "digest")]
    uploaded: Option<PathBuf>,
}

impl Agent {
    /// Serves one deployment over the standard streams.
    ///
    /// # Errors
    /// The program is not the one that it should be, or the connection broke.
    pub fn run(&self, registry: Arc<Registry>) -> Result<Exit, Failure> {
        let build = match &self.digest {
            Some(digest) => check_own(digest, self.uploaded.as_deref())?,
            None => None,
        };
        let agent = togusa_core::engine::Agent {
            registry,
            assets: None,
            home: home()?,
            build: build.unwrap_or_else(|| BUILD.to_owned()),
        };
        let served =
            togusa_core::engine::serve(&agent, Box::new(io::stdin()), Box::new(io::stdout()));
        served.map(|()| Exit::Success).map_err(Failure::failed)
    }
}

/// Sees to it that the store holds what the coordinator asked for, and keeps the store small. Gives
/// the build that the program says it is of.
fn check_own(digest: &str, uploaded: Option<&Path>) -> Result<Option<String>, Failure> {
    let own = Own::expecting(digest).map_err(|error| {
        let problem = Problem::new(code::THIS_MACHINE, "cannot read the agent's own file");
        failed(problem, &error).hint("mount `/proc`")
    });
    let own = own.map_err(Failure::failed)?;
    if own.digest != digest {
        let found = own.digest;
        let problem = Problem::new(
            code::AGENT_DAMAGED,
            format!("the agent is damaged: it is {found}, not {digest}"),
        );
        return Err(Failure { exit: Exit::Altered, ..Failure::failed(problem) });
    }
    if let Some(uploaded) = uploaded {
        let installed = own.install(uploaded);
        installed.map_err(|error| {
            let problem = Problem::new(
                code::STORE_UNWRITABLE,
                format!("cannot keep the agent `{}`", uploaded.display()),
            );
            Failure::failed(failed(problem, &error))
        })?;
    }
    // A store that cannot be tidied up, on a disk that is full perhaps, is no reason not to deploy.
    let _ = own.note_use();
    Ok(build_of_tail(&own.tail))
}

fn failed(problem: Problem, error: &io::Error) -> Problem {
    Problem { causes: vec![error.to_string()], ..problem }
}
