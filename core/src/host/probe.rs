//! Looking at a host.

use crate::host::HostSite;
use crate::names::{Breadcrumb, RootId};

/// A look at the host that a component converges on; nothing can be changed through it.
#[derive(Clone, Debug)]
pub struct Probe<'a> {
    pub(crate) site: &'a HostSite,
    pub(crate) root: &'a RootId,
    pub(crate) breadcrumb: &'a Breadcrumb,
}

impl<'a> Probe<'a> {
    /// A look at the given host on behalf of a component.
    pub fn new(site: &'a HostSite, root: &'a RootId, breadcrumb: &'a Breadcrumb) -> Self {
        Self { site, root, breadcrumb }
    }
}
