//! A host as component code sees it while it converges: looking through [`Probe`], changing
//! through [`Machine`].

mod accounts;
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
mod walk;

pub use entry::{Entry, EntryKind};
pub(crate) use exec::remedied;
#[cfg(test)]
pub(crate) use exec::tests::shown;
pub use exec::{Exec, ExecError, Failure, Output, Survivor, survivors};
pub use facts::Facts;
pub use machine::{Content, Machine};
pub use ownership::Ownership;
pub use probe::{Probe, Snapshot};
pub use shared::{Exclusive, Shared};
pub use site::HostSite;
pub(crate) use walk::require_own_way;

pub(crate) use facts::{AssumedFacts, globals};
