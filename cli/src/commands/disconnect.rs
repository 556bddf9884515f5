use std::time::Duration;

use serde_json::json;
use togusa_core::environment::{Connect, Host};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::ssh::Connections;
use crate::text::count;
use crate::ui::{Stream, Verbosity};

/// End the connections that are kept open for the next command
///
/// Those to the hosts of an environment, or all that this user has. One that is being used ends with
/// its last command. Connections that your own ssh keeps are left alone.
#[derive(Debug, clap::Args)]
pub struct Disconnect {
    /// The environment's name [default: all connections]
    pub environment: Option<String>,
}

impl Disconnect {
    /// Ends the connections and tells how many there were.
    ///
    /// # Errors
    /// The environment is wrong, or the directory of the connections cannot be used.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let hosts = self.environment.as_deref().map(|name| remote_hosts(session, name));
        let hosts = hosts.transpose()?;
        // Nothing is started that could be kept.
        let connections = Connections::new(Duration::ZERO, &session.root);
        let connections = connections.map_err(|problem| Failure::wrong_use([problem]))?;
        let ended = connections.disconnect(hosts.as_deref()).map_err(Failure::failed)?;
        let ui = &session.ui;
        if ui.choices.json {
            ui.write(Stream::Data, &format!("{}\n", json!({ "ended": ended })));
        } else if ui.shows(Verbosity::Normal) {
            let text = match ended {
                0 => "no connection was kept\n".to_owned(),
                ended => format!("ended {}\n", count(ended, "connection")),
            };
            ui.write(Stream::Notes, &text);
        }
        Ok(Exit::Success)
    }
}

fn remote_hosts(session: &Session, name: &str) -> Result<Vec<Host>, Failure> {
    let hosts = session.load(name)?.hosts.into_values();
    Ok(hosts.filter(|host| host.connect == Connect::Ssh).collect())
}
