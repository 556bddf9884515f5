//! Waiting for what tells nobody when it happens.

use std::time::{Duration, Instant};

use togusa_core::prelude::*;

/// What a look found: what was waited for, or, in words, what is there instead.
pub(crate) type Seen<T = ()> = Result<T, String>;

/// Looks again and again until what is waited for is there, or the time is up: then what was seen
/// last.
pub(crate) fn wait<T>(
    machine: &Machine<'_>,
    timeout: Duration,
    interval: Duration,
    mut look: impl FnMut() -> Result<Seen<T>>,
) -> Result<Seen<T>> {
    let end = Instant::now() + timeout;
    loop {
        let seen = look()?;
        let left = end.saturating_duration_since(Instant::now());
        if seen.is_ok() || left.is_zero() {
            return Ok(seen);
        }
        machine.pause(left.min(interval))?;
    }
}

/// A time for messages: `0.5 s`, `60 s`.
pub(crate) fn seconds(time: Duration) -> String {
    match (time.as_secs(), time.subsec_millis()) {
        (whole, 0) => format!("{whole} s"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}
