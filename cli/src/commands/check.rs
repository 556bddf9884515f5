use serde_json::json;
use togusa_core::address;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Secrets, Session};
use crate::text::count;
use crate::ui::{Stream, Verbosity};

/// Check an environment and its model without touching a host
///
/// Loads the environment, configures every root of every host and orders them. All mistakes are
/// reported together, with the file and line they come from.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The environment's name
    pub environment: String,
    /// Also resolve the names of addresses, which needs a network
    #[arg(long)]
    pub resolve: bool,
    /// Open no secrets: placeholders stand for them, and no key is needed
    #[arg(long)]
    pub without_secrets: bool,
}

impl Check {
    /// Checks, and says what was found to be sound.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let secrets = if self.without_secrets { Secrets::Closed } else { Secrets::Open };
        let model = session.configure(&self.environment, true, secrets)?.model;
        if self.resolve {
            address::resolve(&model)?;
        }
        let ui = &session.ui;
        let roots: Vec<_> = model.roots().collect();
        let components: usize = roots.iter().map(|root| model.components(root).count()).sum();
        let hosts = model.environment().hosts.len();
        if ui.choices.json {
            let object = json!({
                "environment": self.environment,
                "hosts": hosts,
                "roots": roots.len(),
                "components": components,
                "digest": model.digest(),
            });
            ui.write(Stream::Data, &format!("{object}\n"));
            return Ok(Exit::Success);
        }
        if ui.shows(Verbosity::Verbose) {
            for (root, breadcrumb, text) in model.logs() {
                ui.write(Stream::Notes, &format!("{root}: {breadcrumb}: {text}\n"));
            }
        }
        if ui.shows(Verbosity::Normal) {
            let (hosts, roots) = (count(hosts, "host"), count(roots.len(), "root"));
            let components = count(components, "component");
            let line = format!("`{}` is sound: {hosts}, {roots}, {components}\n", self.environment);
            ui.write(Stream::Data, &line);
        }
        Ok(Exit::Success)
    }
}
