//! Changing a host.

use std::ops::Deref;

use crate::host::Probe;

/// The host that a component converges on, to look at and to change.
#[derive(Debug)]
pub struct Machine<'a> {
    probe: Probe<'a>,
}

impl<'a> Machine<'a> {
    /// Gives the power to change to who may look.
    pub fn new(probe: Probe<'a>) -> Self {
        Self { probe }
    }
}

impl<'a> Deref for Machine<'a> {
    type Target = Probe<'a>;

    fn deref(&self) -> &Probe<'a> {
        &self.probe
    }
}
