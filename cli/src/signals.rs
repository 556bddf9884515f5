//! Ctrl-C and SIGTERM: first stop gently, then kill, then leave. A terminal that is closed asks to stop
//! gently, however often it is told.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use togusa_core::interrupt::Interrupt;

use crate::exit::Exit;
use crate::ui::{Stream, Ui};

/// How long the word to kill may take to what runs: who leaves before it came leaves that running.
const ON_ITS_WAY: Duration = Duration::from_secs(2);

/// Turns signals to this process into requests to stop, from now on until the process ends.
///
/// # Errors
/// The system takes no handler or no further thread.
pub fn watch(interrupt: Interrupt, ui: Ui) -> io::Result<()> {
    // `nohup` has what it starts ignore that the terminal is closed.
    let hang_up = Some(SIGHUP).filter(|signal| !is_ignored(*signal));
    let mut signals = Signals::new([SIGINT, SIGTERM].into_iter().chain(hang_up))?;
    let name = "signals".to_owned();
    thread::Builder::new().name(name).spawn(move || {
        let killing = answer(signals.forever(), &interrupt, &ui);
        thread::sleep(ON_ITS_WAY.saturating_sub(killing.elapsed()));
        std::process::exit(Exit::Interrupted as i32);
    })?;
    Ok(())
}

/// Calls `end` at the first signal to this process, and ends the process at the second.
///
/// # Errors
/// As [`watch`].
pub fn end_with(end: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let name = "signals".to_owned();
    thread::Builder::new().name(name).spawn(move || {
        let mut signals = signals.forever();
        if signals.next().is_some() {
            end();
        }
        if signals.next().is_some() {
            std::process::exit(Exit::Interrupted as i32);
        }
    })?;
    Ok(())
}

/// Calls `end` at each signal that asks this process to end, with whether the keyboard sent it, and
/// ends the process once it says so.
///
/// # Errors
/// As [`watch`].
pub fn end_editing(end: impl Fn(bool) -> bool + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let name = "signals".to_owned();
    thread::Builder::new().name(name).spawn(move || {
        if signals.forever().any(|signal| end(signal == SIGINT)) {
            std::process::exit(Exit::Interrupted as i32);
        }
    })?;
    Ok(())
}

/// Whether this process was started to ignore a signal; `true` where the system does not say.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Answers the first two signals and returns at the third; when it was said to kill.
fn answer(signals: impl IntoIterator<Item = i32>, interrupt: &Interrupt, ui: &Ui) -> Instant {
    let mut last = Instant::now();
    let mut before = 0;
    for signal in signals {
        // Both the system and the shell tell it, and nobody is there who insists.
        if signal == SIGHUP && before > 0 {
            continue;
        }
        let note = match before {
            0 => "stopping after the running updates; press Ctrl-C again to kill them\n",
            1 => "killing the running updates; press Ctrl-C again to leave at once\n",
            _ => break,
        };
        before += 1;
        interrupt.raise();
        last = Instant::now();
        ui.write(Stream::Notes, note);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Choices, testing};

    #[test]
    fn the_first_signal_stops_the_second_kills_and_the_third_leaves() {
        let (ui, _, notes) = testing::recorded(Choices::default());
        let interrupt = Interrupt::default();

        answer([SIGINT, SIGHUP], &interrupt, &ui);
        assert!(interrupt.is_raised() && !interrupt.must_kill());

        let interrupt = Interrupt::default();
        answer([SIGHUP, SIGHUP, SIGHUP], &interrupt, &ui);
        assert!(interrupt.is_raised() && !interrupt.must_kill());

        let interrupt = Interrupt::default();
        let mut later = [SIGINT, SIGTERM, SIGINT, SIGINT].into_iter();
        answer(later.by_ref(), &interrupt, &ui);
        assert!(interrupt.must_kill());
        assert_eq!(later.len(), 1, "it returned at the third");
        assert!(
            notes.text().contains("press Ctrl-C again to kill them\nkilling"),
            "{}",
            notes.text()
        );
    }
}
