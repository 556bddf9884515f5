//! Agents as child processes, below sudo where they converge as another user.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use togusa_core::engine::BUILD;
use togusa_core::engine::transport::{Connection, Transport};
use togusa_core::environment::Host;
use togusa_core::event::Event;
use togusa_core::problem::{Problem, code};
use togusa_core::system::program;

/// Starts this program, or another that knows the same components, as an agent.
#[derive(Debug)]
pub struct ChildProcess {
    program: PathBuf,
    user: Option<String>,
}

impl ChildProcess {
    /// The agent is the given program, run by the present user.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), user: None }
    }

    /// The agent is this very program, run by another user through sudo.
    ///
    /// # Errors
    /// The program's own file cannot be found.
    pub fn as_user(user: &str) -> Result<Self, Problem> {
        let program = std::env::current_exe().map_err(|error| {
            Problem::new(
                code::THIS_MACHINE,
                format!("cannot find the file of this program: {error}"),
            )
        })?;
        Ok(Self { program, user: Some(user.to_owned()) })
    }

    fn command(&self) -> Command {
        let mut command = match &self.user {
            None => program(&self.program),
            Some(user) => {
                let mut sudo = program("sudo");
                sudo.args(["-n", "-H", "-u", user, "--"]).arg(&self.program);
                sudo
            }
        };
        // In a group of its own, so that Ctrl-C reaches the coordinator alone.
        command.arg("agent").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Transport for ChildProcess {
    fn connect(&self, host: &Host, _: &dyn Fn(Event)) -> Result<Connection, Problem> {
        let failed = |error: std::io::Error| {
            let problem = Problem::new(
                code::AGENT_NOT_STARTED,
                format!("cannot start the agent of `{}`", host.name),
            );
            Problem { causes: vec![error.to_string()], ..problem }
                .hint("converging as another user needs `sudo`")
        };
        let mut child = self.command().spawn().map_err(failed)?;
        let (Some(writer), Some(reader), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Problem::new(code::DEFECT, "the agent has no streams"));
        };
        let words = thread::spawn(move || {
            let mut words = Vec::new();
            // What was read before an error still tells more than nothing.
            let _ = stderr.read_to_end(&mut words);
            String::from_utf8_lossy(&words).trim().to_owned()
        });
        let user = self.user.clone();
        Ok(Connection {
            reader: Box::new(reader),
            writer: Box::new(writer),
            build: BUILD.to_owned(),
            ended: Box::new(move || {
                let status = child.wait();
                let words = words.join().unwrap_or_default();
                match status {
                    Ok(status) if status.success() => None,
                    Ok(status) => {
                        Some(last_words(&format!("the agent ended with {status}"), words, user))
                    }
                    Err(error) => Some(Problem::new(
                        code::AGENT_NOT_STARTED,
                        format!("the agent is lost: {error}"),
                    )),
                }
            }),
        })
    }
}

fn last_words(message: &str, words: String, user: Option<String>) -> Problem {
    let by_sudo = words.starts_with("sudo:");
    let code = if by_sudo { code::SUDO_PASSWORD } else { code::AGENT_GONE };
    let mut problem = Problem::new(code, message);
    if !words.is_empty() {
        problem.causes.push(words);
    }
    match user {
        Some(user) if by_sudo => problem.hint(format!(
            "let sudo run the agent as `{user}` without a password and without a terminal"
        )),
        _ => problem,
    }
}
