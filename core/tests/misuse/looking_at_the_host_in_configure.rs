//! A host cannot be looked at in `configure`, nor can a probe be made from the scope.

use togusa_core::prelude::*;

#[derive(Debug)]
struct Motd;

impl Component for Motd {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let path = scope.path("/etc/motd");
        scope.entry(&path)?;
        let probe: &Probe<'_> = scope;
        probe.entry(&path)?;
        Ok(())
    }
}

fn main() {}
