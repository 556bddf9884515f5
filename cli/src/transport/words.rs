//! The last words of a command on a host.

use std::io::{PipeReader, Read as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// How much of what an agent or sudo prints as errors is shown, in bytes.
const LAST_WORDS: usize = 4096;

/// What a remote command prints as errors: the end of it.
pub(crate) struct Words {
    heard: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl Words {
    /// Hears to the end.
    pub(crate) fn hear(mut stderr: PipeReader) -> Self {
        let heard = Arc::<Mutex<Vec<u8>>>::default();
        let told = Arc::clone(&heard);
        let thread = thread::spawn(move || {
            let mut chunk = [0; 1024];
            while let Ok(count @ 1..) = stderr.read(&mut chunk) {
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                told.extend_from_slice(&chunk[..count]);
                let surplus = told.len().saturating_sub(LAST_WORDS);
                told.drain(..surplus);
            }
        });
        Self { heard, thread }
    }

    /// What was heard by now, from a command that may go on.
    pub(crate) fn so_far(self) -> String {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// All that was heard, once nothing more comes.
    pub(crate) fn text(self) -> String {
        // What was heard is told, however the thread ended.
        let _ = self.thread.join();
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&heard).trim().to_owned()
    }

    /// The same as a list of causes.
    pub(crate) fn take(self) -> Vec<String> {
        Some(self.text()).filter(|text| !text.is_empty()).into_iter().collect()
    }
}
