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
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static PASSED: AtomicUsize = AtomicUsize::new(0);
    static CRASH_AT: LazyLock<Option<usize>> =
        LazyLock::new(|| crate::system::variable("TOGUSA_CRASH_AT_STEP")?.parse().ok());

    /// Marks a moment at which a crash is tested.
    pub(crate) fn step(name: &str) {
        let number = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(path) = crate::system::variable("TOGUSA_STEP_LOG")
            && let Ok(mut log) = std::fs::File::options().create(true).append(true).open(path)
        {
            // In one write, as hosts pass steps at the same time. The log only counts steps; a run
            // whose log is full is still a run.
            let _ = log.write_all(format!("{name}\n").as_bytes());
        }
        if *CRASH_AT == Some(number) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::SIGKILL);
            std::thread::park();
        }
    }
}
