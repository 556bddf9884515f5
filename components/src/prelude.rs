//! All components: `use togusa_components::prelude::*;`.

#[cfg(feature = "checks")]
pub use crate::checks::{WaitForHttp, WaitForPort};
#[cfg(feature = "services")]
pub use crate::services::{Program, SupervisorProgram, SystemdService, SystemdTimer, SystemdUnit};
#[cfg(feature = "web")]
pub use crate::web::{Certificate, HaproxyBackend, NginxReload, NginxSite};
#[cfg(feature = "accounts")]
pub use crate::{AuthorizedKey, Group, KnownHost, User};
pub use crate::{Command, Directory, File, IntoMode, Location, Purge, Symlink};
