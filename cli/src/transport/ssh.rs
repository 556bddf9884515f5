//! Agents on other hosts: started over SSH, pushed where they are missing.

use std::io::{Chain, Cursor, PipeReader, PipeWriter, Read};
use std::sync::Arc;
use std::time::Duration;

use togusa_core::engine::transport::{Connection, Transport};
use togusa_core::environment::Host;
use togusa_core::event::Event;
use togusa_core::problem::{Problem, code};

use super::converging_user;
use super::tap::tap;
use super::words::Words;
use crate::agents::{AgentBinary, Agents};
use crate::exit::Exit;
use crate::push::{self, Progress, Rest, Start, StartError, converse, start_command};
use crate::ssh::{Channel, Connections, mute, not_run};

/// Where binaries are kept on a host that does not say otherwise.
pub(crate) const STORE: &str = "~/.cache/togusa";

/// How long the host behind a connection that was kept may take to say something. What is behind
/// it may be gone, and a new connection tells.
pub(crate) const FIRST_WORD: Duration = Duration::from_secs(3);

/// A shell, and sudo, tell with an exit code above this that a signal ended a program.
const SIGNALLED: i32 = 128;

/// Starts agents over SSH.
#[derive(Debug)]
pub struct Ssh {
    connections: Connections,
    agents: Agents,
    project: String,
}

/// An agent that was to run.
struct Started {
    /// What it says, the first byte of which has been seen.
    reader: Chain<Cursor<[u8; 1]>, Rest<PipeReader>>,
    writer: PipeWriter,
    words: Words,
    ended: Box<dyn FnOnce() -> Result<i32, Problem> + Send>,
    build: String,
}

/// Why it does not, and what may help.
enum Failed {
    /// A connection that is made anew may answer.
    Stale,
    /// The binary is there but does not run as what it should be.
    Damaged(Problem),
    Problem(Problem),
}

impl Ssh {
    /// Reaches hosts over these connections, with these agents.
    pub fn new(connections: Connections, agents: Agents, project: impl Into<String>) -> Self {
        Self { connections, agents, project: project.into() }
    }

    /// Ends the connections that are not to be kept.
    pub fn close(&self) {
        self.connections.close();
    }

    fn start(
        &self,
        host: &Host,
        (anew, replace): (bool, bool),
        tell: &dyn Fn(Event),
    ) -> Result<Started, Failed> {
        let expected = self.agents.get(host.target.as_deref()).map_err(Failed::Problem)?;
        let no_tag = |error: std::io::Error| {
            Problem::new(code::THIS_MACHINE, format!("no random bytes: {error}"))
        };
        let start = Start {
            tag: push::tag().map_err(no_tag).map_err(Failed::Problem)?,
            digest: expected.digest.clone(),
            store: host.store.clone().unwrap_or_else(|| STORE.to_owned()),
            user: converging_user(host).map(str::to_owned),
            project: self.project.clone(),
            replace,
        };
        let command = start_command(&start);
        let open = if anew { Connections::start_anew } else { Connections::start };
        let channel = open(&self.connections, host, &command).map_err(Failed::Problem)?;
        let Channel { stdin, stdout, stderr, resumed, ended } = channel;
        let words = Words::hear(stderr);
        let first_word = if resumed { FIRST_WORD } else { host.timeout.max(FIRST_WORD) };
        let mut build = expected.build.clone();
        let mut binary = |machine: &push::Machine| {
            let binary = self.for_machine(host, &expected, machine)?;
            build.clone_from(&binary.build);
            Ok(binary)
        };
        let mut progress = |progress| {
            if let Progress::Pushing { target, bytes } = progress {
                tell(Event::Pushing { host: host.name.clone(), target, bytes });
            }
        };
        let talked = converse(&start.tag, stdout, stdin, first_word, &mut binary, &mut progress);
        let (mut reader, writer) = match talked {
            Ok(streams) => streams,
            Err(StartError::Silent) if resumed => return Err(Failed::Stale),
            Err(StartError::Silent) => {
                self.connections.abandon(host);
                return Err(Failed::Problem(mute(host, first_word, &words.so_far())));
            }
            Err(StartError::Refused(problem) | StartError::Binary(problem)) => {
                return Err(Failed::Problem(problem));
            }
            Err(StartError::Ended { printed }) => {
                return Err(unstarted(host, ended, words, &printed));
            }
        };
        // An agent that begins to speak is the one that it should be; one that does not, ended.
        let mut first = [0];
        match reader.read(&mut first) {
            Ok(1) => {}
            _ => return Err(unstarted(host, ended, words, "")),
        }
        let reader = Cursor::new(first).chain(reader);
        Ok(Started { reader, writer, words, ended, build })
    }

    /// The binary for a host that lacks the expected one.
    fn for_machine(
        &self,
        host: &Host,
        expected: &Arc<AgentBinary>,
        machine: &push::Machine,
    ) -> Result<Arc<AgentBinary>, Problem> {
        // Who names a target has reasons of his own.
        if host.target.is_some() {
            return Ok(Arc::clone(expected));
        }
        self.agents.for_machine(&machine.system, &machine.machine)
    }
}

impl Transport for Ssh {
    fn connect(&self, host: &Host, tell: &dyn Fn(Event)) -> Result<Connection, Problem> {
        let mut how = (false, false);
        let started = loop {
            match self.start(host, how, tell) {
                Ok(started) => break started,
                Err(Failed::Stale) if !how.0 => how.0 = true,
                Err(Failed::Damaged(_)) if !how.1 => how.1 = true,
                Err(Failed::Stale) => {
                    return Err(Problem::new(
                        code::CONNECTION_LOST,
                        "the host does not answer over a new connection",
                    ));
                }
                Err(Failed::Damaged(problem) | Failed::Problem(problem)) => return Err(problem),
            }
        };
        let Started { reader, writer, words, ended, build } = started;
        let host = host.clone();
        let (reader, writer) = tap(&host.name, (Box::new(reader), Box::new(writer)))?;
        Ok(Connection {
            reader,
            writer,
            build,
            ended: Box::new(move || match ended() {
                Ok(0) => None,
                Ok(code) => {
                    let how = match code - SIGNALLED {
                        signal @ 1.. => format!("was killed by signal {signal}"),
                        _ => format!("ended with exit code {code}"),
                    };
                    let problem = Problem::new(code::AGENT_GONE, format!("the agent {how}"));
                    Some(Problem { causes: words.take(), ..problem }.on(&host.name))
                }
                Err(mut problem) => {
                    problem.causes.extend(words.take());
                    Some(problem)
                }
            }),
        })
    }
}

/// Why the stream ended before an agent spoke.
fn unstarted(
    host: &Host,
    ended: Box<dyn FnOnce() -> Result<i32, Problem> + Send>,
    words: Words,
    printed: &str,
) -> Failed {
    let code = match ended() {
        Ok(code) => code,
        Err(problem) => {
            // A binary that is cut short is killed by a signal as soon as it runs.
            let problem = Problem { causes: words.take(), ..problem };
            return Failed::Damaged(problem);
        }
    };
    let said = words.text();
    if code == Exit::Altered as i32 || code > SIGNALLED {
        let problem = Problem::new(
            code::AGENT_DAMAGED,
            format!("the agent is damaged: it ended with exit code {code}"),
        )
        .hint("deploy again; if it stays so, memory or disk of that machine may be faulty");
        return Failed::Damaged(Problem { causes: vec![said], ..problem }.on(&host.name));
    }
    match push::unstarted(code, &said) {
        Some(problem) => Failed::Damaged(problem.on(&host.name)),
        None => {
            let all = format!("{said}\n{printed}");
            Failed::Problem(not_run(host, code, all.trim()))
        }
    }
}
