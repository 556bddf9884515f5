//! A host as component code sees it while it converges: looking through [`Probe`], changing
//! through [`Machine`].

mod accounts;
mod boot;
mod entry;
mod exec;
mod facts;
mod glob;
mod machine;
mod ownership;
mod probe;
mod shared;
mod site;
mod spot;
mod staged;
mod walk;

pub(crate) use boot::boot;
pub use entry::{Entry, EntryKind};
#[cfg(test)]
pub(crate) use exec::tests::shown;
pub use exec::{Exec, ExecError, Failure, Output, Survivor, survivors};
pub(crate) use exec::{quoted, remedied};
pub use facts::Facts;
pub(crate) use machine::Reboots;
pub use machine::{Content, Machine};
pub use ownership::Ownership;
pub use probe::{Probe, Snapshot};
pub use shared::{Exclusive, Shared};
pub use site::HostSite;
pub(crate) use staged::{INPUT, PROCESS, Programs, Staged, StagedBoots, USER, VARIABLES};
pub(crate) use walk::require_own_way;

pub(crate) use facts::{AssumedFacts, globals};
