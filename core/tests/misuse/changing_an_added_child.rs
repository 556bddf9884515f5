//! A child is frozen once it was added.

use togusa_core::prelude::*;

#[derive(Debug)]
struct Port {
    number: u16,
}
impl Component for Port {}

#[derive(Debug)]
struct App;

impl Component for App {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let port = scope.add(Port { number: 80 });
        port.number = 8080;
        Ok(())
    }
}

fn main() {}
