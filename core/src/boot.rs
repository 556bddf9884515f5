//! Which start of a host's system it is.

use serde::{Deserialize, Serialize};

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
        assert!(boot("a", Some(1)).is_same(&boot("a", Some(1))));
        assert!(!boot("a", Some(1)).is_same(&boot("b", Some(1))));
        assert!(!boot("a", Some(1)).is_same(&boot("a", Some(2))));
        assert!(boot("a", Some(1)).is_same(&boot("a", None)));
        assert!(!boot("a", None).is_same(&boot("b", None)));
    }
}
