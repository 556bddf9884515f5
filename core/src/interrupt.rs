//! Stopping a run: first gently, then at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// A request to stop, shared by all that works on a run.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicU8>);

impl Interrupt {
    /// Asks to stop; the second time, to kill what runs.
    pub fn raise(&self) {
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |level| {
            Some(level.saturating_add(1))
        });
    }

    /// Whether no further component may start.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 1
    }

    /// Whether running commands must be killed.
    pub fn must_kill(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 2
    }
}
