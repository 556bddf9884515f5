//! Which start of the system this is.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::host::exec::process::Process;

/// A start of a host's system.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Boot {
    /// Of the kernel; empty where it does not say.
    pub(crate) id: String,
    /// When the first process was started, in ticks since the kernel was. Containers have the kernel of
    /// the machine that they run on, so that this tells their own starts apart; `None`: it is not shown
    /// to everybody.
    pub(crate) first_process: Option<u64>,
}

impl Boot {
    /// The present one of the system that this process runs on.
    pub(crate) fn read() -> Self {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let first_process = Process::get(1).map(|first| first.started);
        Self { id: id.trim().to_owned(), first_process }
    }

    /// Whether starts of this system can be told apart.
    pub(crate) fn is_known(&self) -> bool {
        !self.id.is_empty()
    }

    /// Whether both are the same start, as far as is known. Who may see the first process and who may not
    /// do not take it for another one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let first = self.first_process.zip(other.first_process);
        self.id == other.id && first.is_none_or(|(one, other)| one == other)
    }
}

#[cfg(test)]
mod tests {
    use super::Boot;

    #[test]
    fn a_start_is_another_one_only_where_that_is_known() {
        let boot = |id: &str, first_process| Boot { id: id.to_owned(), first_process };
        assert!(Boot::read().is_known() && Boot::read().is_same(&Boot::read()));
        assert!(boot("a", Some(1)).is_same(&boot("a", Some(1))));
        assert!(!boot("a", Some(1)).is_same(&boot("b", Some(1))));
        assert!(!boot("a", Some(1)).is_same(&boot("a", Some(2))));
        assert!(boot("a", Some(1)).is_same(&boot("a", None)));
        assert!(!boot("a", None).is_same(&boot("b", None)));
    }
}
