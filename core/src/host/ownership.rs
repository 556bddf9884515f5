//! Who may do what with a file.

use serde::{Deserialize, Serialize};

/// Mode, owner and group that a file or directory shall have; what is unset is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// The permission bits, such as `0o640`. Unset: those of the file that is replaced, else what
    /// the umask gives to a new one.
    pub mode: Option<u32>,
    /// The owner's name or number. Unset: the owner of the file that is replaced, if the converging
    /// user may give files away; else the converging user.
    pub owner: Option<String>,
    /// The group's name or number; unset: like the owner.
    pub group: Option<String>,
}

impl Ownership {
    /// Sets only the mode.
    pub fn mode(mode: u32) -> Self {
        Self { mode: Some(mode), ..Self::default() }
    }

    /// Sets the owner.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Sets the group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }
}
