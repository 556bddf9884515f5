//! A host as component code sees it while it converges: looking through [`Probe`], changing
//! through [`Machine`].

mod machine;
mod probe;
mod site;

pub use machine::Machine;
pub use probe::Probe;
pub use site::HostSite;
