//! A host cannot be changed in `verify`.

use togusa_core::prelude::*;

#[derive(Debug)]
struct Motd;

impl Component for Motd {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let path = HostPath::new(&probe.host().name, "/etc/motd");
        probe.write(&path, "hello", &Default::default())?;
        Ok(Verdict::current())
    }
}

fn main() {}
