//! All components: `use togusa_components::prelude::*;`.

#[cfg(feature = "packages")]
pub use crate::{Apt, AptRepository, VirtualEnv};
#[cfg(feature = "accounts")]
pub use crate::{AuthorizedKey, Group, KnownHost, User};
pub use crate::{Command, Directory, File, IntoMode, Location, Purge, Symlink};
#[cfg(feature = "scheduled")]
pub use crate::{Cron, Logrotate};
