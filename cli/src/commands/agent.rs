use std::io;
use std::sync::Arc;

use togusa_core::engine::BUILD;
use togusa_core::registry::Registry;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::transport::home;

/// Converge this host as a coordinator says over standard input and output
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub struct Agent {}

impl Agent {
    /// Serves one deployment over the standard streams.
    ///
    /// # Errors
    /// The connection broke.
    pub fn run(&self, registry: Arc<Registry>) -> Result<Exit, Failure> {
        let agent = togusa_core::engine::Agent {
            registry,
            assets: None,
            home: home()?,
            build: BUILD.to_owned(),
        };
        let served =
            togusa_core::engine::serve(&agent, Box::new(io::stdin()), Box::new(io::stdout()));
        served.map(|()| Exit::Success).map_err(Failure::failed)
    }
}
