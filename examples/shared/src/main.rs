//! A project without components of its own: what it deploys comes from the crate `shared-banner`.

use std::process::ExitCode;

use togusa::prelude::*;

fn main() -> ExitCode {
    let registry = Registry::new().with::<shared_banner::Banner>("banner");
    Cli::new(registry).project("shared").run()
}
