//! The steps at which a crash can be tested.
//!
//! Wherever something becomes durable, or must not be lost between two moments, the code calls
//! [`step`]. In an ordinary build that is nothing at all. With the feature `crash-steps` the process
//! kills itself with SIGKILL at the step whose number the environment variable
//! `TOGUSA_CRASH_AT_STEP` gives, and appends the name of every step it passes to the file that
//! `TOGUSA_STEP_LOG` names.

/// Marks a moment at which a crash is tested.
#[cfg(not(feature = "crash-steps"))]
#[inline]
pub(crate) fn step(_name: &str) {}

#[cfg(feature = "crash-steps")]
pub(crate) use armed::step;

#[cfg(feature = "crash-steps")]
mod armed {
    use std::io::Write as _;
    use std::sync::{LazyLock, Mutex, PoisonError};

    /// How many steps were passed; locked while one is logged, so that the log has their order.
    static PASSED: Mutex<usize> = Mutex::new(0);
    static CRASH_AT: LazyLock<Option<usize>> =
        LazyLock::new(|| crate::system::variable("TOGUSA_CRASH_AT_STEP")?.parse().ok());

    /// Marks a moment at which a crash is tested.
    pub(crate) fn step(name: &str) {
        let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
        *passed += 1;
        if let Some(path) = crate::system::variable("TOGUSA_STEP_LOG")
            && let Ok(mut log) = std::fs::File::options().create(true).append(true).open(path)
        {
            // The log only counts steps; a run whose log is full is still a run.
            let _ = writeln!(log, "{name}");
        }
        if *CRASH_AT == Some(*passed) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::SIGKILL);
            std::thread::park();
        }
    }
}
