//! Asking hosts what they are, all at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use togusa_core::environment::{Connect, Host};
use togusa_core::names::HostName;
use togusa_core::problem::{Problem, code};
use togusa_core::system;

use super::Answers;
use crate::execute::Execution;
use crate::push::{self, Lines, NoLine, directory_of, flood};
use crate::ssh::{Channel, Connections, mute, not_run};
use crate::transport::{FIRST_WORD, STORE, Words, converging_user};

const LOGIN: &str = include_str!("login.sh");
const CONVERGING: &str = include_str!("converging.sh");

/// What stands for nothing among the arguments of the scripts.
const NONE: &str = "-";

/// How long a host may take for all of it, once it has begun to answer: a file system whose server
/// is gone does not answer at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is needed to ask.
#[derive(Debug)]
pub struct Asking<'a> {
    /// The connections, if there is a host that is reached by SSH.
    pub connections: Option<&'a Connections>,
    /// The home directory, for local hosts.
    pub home: &'a Path,
    /// The project's name.
    pub project: &'a str,
}

/// A host that answered.
#[derive(Clone, Debug)]
pub struct Asked {
    /// How long it took until the host said its first word.
    pub reached: Duration,
    /// Whether the connection was there before.
    pub resumed: bool,
    /// What it said.
    pub answers: Answers,
}

/// What a host said, or why it cannot be asked.
pub type Answer = Result<Asked, Problem>;

impl Asking<'_> {
    /// Asks the hosts; one that does not answer holds up no other.
    pub fn ask(&self, hosts: &[&Host]) -> BTreeMap<HostName, Answer> {
        thread::scope(|scope| {
            let asked = hosts.iter().map(|host| (&host.name, scope.spawn(|| self.ask_one(host))));
            let asked: Vec<_> = asked.collect();
            let answers = asked.into_iter().map(|(name, thread)| {
                let answer = thread.join();
                let answer = answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                (name.clone(), answer.map_err(|problem| problem.on(name)))
            });
            answers.collect()
        })
    }

    fn ask_one(&self, host: &Host) -> Answer {
        // What is behind a connection that was kept may be gone, and a new one tells.
        match self.attempt(host, false)? {
            Some(asked) => Ok(asked),
            None => self.attempt(host, true)?.ok_or_else(|| {
                Problem::new(code::HOST_SLOW, "the host does not answer over a new connection")
            }),
        }
    }

    /// Asks a host; `None`: nothing came over a connection that was kept.
    fn attempt(&self, host: &Host, anew: bool) -> Result<Option<Asked>, Problem> {
        let no_tag = |error| Problem::new(code::THIS_MACHINE, format!("no random bytes: {error}"));
        let tag = push::tag().map_err(no_tag)?;
        let command = self.command(host, &tag);
        let Self { connections, home, .. } = *self;
        let execution = Execution { command: &command, login: true, connections, home };
        let (start, sent) = (Instant::now(), SystemTime::now());
        let channel = execution.start(host, anew)?;
        // The command goes on for as long as its input is open.
        let Channel { stdin: _lifeline, stdout, stderr, resumed, ended } = channel;
        let words = Words::hear(stderr);
        let mut lines = Lines::new(&tag, stdout);
        let limit = if resumed { FIRST_WORD } else { host.timeout.max(FIRST_WORD) };
        let mut line = match lines.next(Some(Instant::now() + limit)) {
            Ok(line) => line,
            Err(NoLine::Late) if resumed && !anew => return Ok(None),
            Err(NoLine::Late) => {
                self.abandon(host);
                return Err(mute(host, limit, &words.so_far()));
            }
            Err(NoLine::Flood) => return Err(flood(&lines.printed())),
            Err(NoLine::Ended) => {
                let code = ended()?;
                let printed = format!("{}\n{}", words.text(), lines.printed());
                return Err(not_run(host, code, &printed));
            }
        };
        let reached = start.elapsed();
        let (deadline, mut answers) = (Instant::now() + PATIENCE, Answers::default());
        // The name of a file that is tried is drawn, but what is told must not differ by host.
        while !answers.take(&line.replace(&format!(".togusa-{tag}"), ".togusa"), sent) {
            line = match lines.next(Some(deadline)) {
                Ok(line) => line,
                Err(NoLine::Ended) => {
                    ended()?;
                    break;
                }
                Err(NoLine::Late | NoLine::Flood) => {
                    self.abandon(host);
                    break;
                }
            };
        }
        Ok(Some(Asked { reached, resumed, answers }))
    }

    /// The command for `sh` on a host.
    pub(super) fn command(&self, host: &Host, tag: &str) -> Vec<String> {
        let is_here = host.connect == Connect::Local;
        let is_me = |user: &&str| is_here && system::user_name().as_deref() == Some(user);
        let user = converging_user(host).filter(|user| !is_me(user)).unwrap_or(NONE);
        let store = host.store.as_deref().unwrap_or(STORE);
        let agents = if is_here { NONE.to_owned() } else { directory_of(self.project) };
        let words = ["sh", "-c", LOGIN, "togusa", tag, user, store, &host.target_directory];
        words.into_iter().chain([&*agents, CONVERGING]).map(str::to_owned).collect()
    }

    fn abandon(&self, host: &Host) {
        if let (Some(connections), Connect::Ssh) = (self.connections, host.connect) {
            connections.abandon(host);
        }
    }
}
