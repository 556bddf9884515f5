//! How many connections are started at once; what goes on over them is not limited.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Starts of connections at once, in all.
const ALL: usize = 64;

/// Starts at once that one sshd takes: by default it drops some from the eleventh on.
const BY_SSHD: usize = 8;

/// Looks at the user's configuration at once: more than the processors only wait.
const LOOKS: usize = 8;

/// Keeps back what would be too much at once.
#[derive(Debug)]
pub struct Limits {
    all: Arc<Semaphore>,
    by_sshd: Mutex<BTreeMap<String, Arc<Semaphore>>>,
    looks: Arc<Semaphore>,
}

/// Leave to go on, given back when it is dropped.
#[derive(Debug)]
pub struct Leave {
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(ALL)),
            by_sshd: Mutex::default(),
            looks: Arc::new(Semaphore::new(LOOKS)),
        }
    }
}

impl Limits {
    /// Waits until a connection may be started at this sshd.
    pub async fn start(&self, sshd: &str) -> Leave {
        let of_sshd = {
            let mut by_sshd = self.by_sshd.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Semaphore::new(BY_SSHD));
            Arc::clone(by_sshd.entry(sshd.to_owned()).or_insert_with(new))
        };
        // In this order: who waits for a busy sshd must not keep others waiting.
        leave([of_sshd, Arc::clone(&self.all)]).await
    }

    /// Waits until ssh may be asked about a host.
    pub async fn look(&self) -> Leave {
        leave([Arc::clone(&self.looks)]).await
    }
}

async fn leave(semaphores: impl IntoIterator<Item = Arc<Semaphore>>) -> Leave {
    let mut permits = Vec::new();
    for semaphore in semaphores {
        // None of them is ever closed, which is the one way to get nothing.
        permits.extend(semaphore.acquire_owned().await);
    }
    Leave { _permits: permits }
}
