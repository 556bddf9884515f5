//! The talk with the remote start, until the agent runs.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use togusa_core::problem::{Problem, code};

use super::lines::{Lines, MOST_PRINTED, NoLine};
use super::refusal::refusal;
use super::upload::send;
use super::{AgentBinary, Machine, PUSH, Progress, StartError, one_line};

/// What the agent says: bytes that were read already, then the stream.
pub type Rest<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

/// Talks with the command of [`start_command`](super::start_command) until the agent runs.
///
/// `first_word` limits the time until the host says anything that is ours. `binary` is asked when
/// the host lacks the digest that was asked for; it may give a binary for another target. The
/// streams that are returned stand at the agent's first frame.
///
/// # Errors
/// No agent runs, and why. Dropping the streams ends what was started.
pub fn converse<R: Read + AsFd, W: Write + AsFd>(
    tag: &str,
    reader: R,
    mut writer: W,
    first_word: Duration,
    binary: &mut dyn FnMut(&Machine) -> Result<Arc<AgentBinary>, Problem>,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Rest<R>, W), StartError> {
    let mut lines = Lines::new(tag, reader);
    let (mut asked, mut pushed) = (false, false);
    let mut word = lines.next(Some(Instant::now() + first_word)).map_err(|no| no_word(&lines, no));
    loop {
        let line = word?;
        let (kind, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answered = match kind {
            "have" => {
                if pushed {
                    progress(Progress::Pushed);
                }
                return Ok((lines.into_rest(), writer));
            }
            "need" if !asked => {
                asked = true;
                let (digest, machine) = machine(rest);
                let binary = binary(&machine).map_err(StartError::Binary)?;
                answer(&mut lines, &mut writer, &digest, &binary, &mut pushed, progress)
            }
            "fail" => return Err(StartError::Refused(refusal(rest))),
            _ => return Err(StartError::Refused(nonsense(&line))),
        };
        let answered = match answered {
            Ok(Some(line)) => Ok(line),
            Ok(None) => lines.next(None),
            Err(no) => Err(no),
        };
        word = answered.map_err(|no| no_word(&lines, no));
    }
}

/// Answers a host that lacks the digest that was asked for; gives what it said meanwhile.
fn answer<R: Read + AsFd, W: Write + AsFd>(
    lines: &mut Lines<R>,
    writer: &mut W,
    digest: &str,
    binary: &AgentBinary,
    pushed: &mut bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<String>, NoLine> {
    let size = binary.compressed.len();
    let head = format!("{}\n{} {size}\n", one_line(PUSH), binary.digest);
    let mut said = send(lines, writer, head.as_bytes())?;
    if binary.digest != digest && said.is_none() {
        said = Some(lines.next(None)?);
    }
    if said.as_deref().is_some_and(|said| said != "send") {
        return Ok(said);
    }
    progress(Progress::Pushing { target: binary.target.clone(), bytes: size as u64 });
    *pushed = true;
    send(lines, writer, &binary.compressed)
}

fn machine(said: &str) -> (String, Machine) {
    let mut words = said.split_whitespace().map(str::to_owned);
    let mut word = || words.next().unwrap_or_default();
    (word(), Machine { system: word(), machine: word() })
}

fn no_word<R: Read + AsFd>(lines: &Lines<R>, no: NoLine) -> StartError {
    match no {
        NoLine::Late => StartError::Silent,
        NoLine::Ended => StartError::Ended { printed: lines.printed() },
        NoLine::Flood => StartError::Refused(flood(&lines.printed())),
    }
}

/// A login shell that prints so much that nobody looks for our lines in it.
pub(crate) fn flood(printed: &str) -> Problem {
    let limit = MOST_PRINTED / 1024;
    let mut problem = Problem::new(
        code::NO_AGENT_SPOKE,
        format!("the login shell prints more than {limit} KiB by itself"),
    );
    problem.causes.extend(printed.lines().last().map(str::to_owned));
    problem.hint("let the files that the shell reads at login print to terminals alone: `[ -t 1 ]`")
}

fn nonsense(line: &str) -> Problem {
    Problem::new(
        code::NO_AGENT_SPOKE,
        format!("the start of the agent said `{line}`, which has no meaning"),
    )
    .hint("this is a defect of togusa")
}
