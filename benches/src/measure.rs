//! Whole processes: how long they take, and how much memory at most.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// How often everything is measured; figures are the medians.
const RUNS: usize = 7;

/// The first argument with which this program measures one command.
///
/// The system tells the peak of all children together, so that each command gets a parent of its
/// own, which is small.
pub const WORD: &str = "measure";

/// What one process took, or the medians of several.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// From the start to the end.
    pub time: Duration,
    /// The most memory that was resident at once, in bytes.
    pub memory: u64,
    /// What it used of the processors, with what it waited for.
    pub cpu: Duration,
}

/// Runs one command and prints what it took.
pub fn this(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().context("nothing to measure")?;
    let mut command = new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    let status = command.status().with_context(|| format!("cannot start `{program}`"))?;
    let took = began.elapsed();
    ensure!(status.success(), "`{program}` ended with {status}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = Duration::from_micros(
        (usage.user_time().num_microseconds() + usage.system_time().num_microseconds())
            .try_into()?,
    );
    let (took, cpu) = (took.as_nanos(), cpu.as_nanos());
    writeln!(std::io::stdout(), "{took} {} {cpu}", usage.max_rss())?;
    Ok(())
}

/// A command to be measured, in a directory.
pub fn command(directory: &Path, program: impl AsRef<Path>) -> Result<Command> {
    let mut command = new(std::env::current_exe()?);
    command.arg(WORD).arg(program.as_ref()).current_dir(directory);
    Ok(command)
}

/// Measures a command once.
pub fn once(command: &mut Command) -> Result<Figures> {
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "a measured command failed: {command:?}");
    figures(&String::from_utf8(output.stdout)?)
}

/// Reads what [`this`] printed.
pub fn figures(text: &str) -> Result<Figures> {
    let figures: Vec<u64> =
        text.split_whitespace().map(str::parse).collect::<Result<_, _>>().context("no figures")?;
    let [time, kilobytes, cpu] = figures[..] else { bail!("no figures: {text}") };
    Ok(Figures {
        time: Duration::from_nanos(time),
        memory: kilobytes * 1024,
        cpu: Duration::from_nanos(cpu),
    })
}

/// Measures several things by turns, so that what disturbs the machine disturbs them alike; the
/// median of each.
pub fn by_turns<const N: usize>(
    mut things: [&mut dyn FnMut() -> Result<Figures>; N],
) -> Result<[Figures; N]> {
    let mut runs = [const { Vec::new() }; N];
    for _ in 0..RUNS {
        for (thing, runs) in things.iter_mut().zip(&mut runs) {
            runs.push(thing()?);
        }
    }
    Ok(runs.map(|runs| Figures {
        time: median(runs.iter().map(|run| run.time)),
        memory: median(runs.iter().map(|run| run.memory)),
        cpu: median(runs.iter().map(|run| run.cpu)),
    }))
}

/// The program beside this one: built by the same command.
pub fn beside(name: &str) -> Result<std::path::PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

fn median<T: Ord>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<_> = values.collect();
    values.sort();
    values.swap_remove(RUNS / 2)
}

#[expect(clippy::disallowed_methods, reason = "what is measured is no command of a deployment")]
fn new(program: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(program)
}
