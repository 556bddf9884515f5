//! A host cannot be changed in `configure`.

use togusa_core::prelude::*;

#[derive(Debug)]
struct Motd;

impl Component for Motd {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let path = scope.path("/etc/motd");
        scope.write(&path, "hello", &Default::default())
    }
}

fn main() {}
