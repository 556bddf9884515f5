//! Only a resource can be required.

use togusa_core::prelude::*;

#[derive(Debug)]
struct App;

impl Component for App {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let name = scope.require_one::<String>()?;
        scope.log(name.as_str());
        Ok(())
    }
}

fn main() {}
