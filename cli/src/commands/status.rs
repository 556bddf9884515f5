mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use togusa_core::assets::ProjectAssets;
use togusa_core::engine::status;
use togusa_core::engine::transport::Transport;
use togusa_core::event::Event;
use togusa_core::names::HostName;
use togusa_core::problem::Problem;
use tz::TimeZone;

use super::{AgentOptions, HostOptions};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::select_hosts;
use crate::session::Session;
use crate::text::{harmless, size};
use crate::transport::Transports;
use crate::ui::{Ink, Stream, Verbosity};
use crate::view::problem_lines;
use shown::{Shown, State};

/// Show what was deployed to hosts, when, by whom, and how it ended
///
/// Asks the records that each host keeps; nothing is changed there. `-v` shows the last five
/// deployments of each host. Exits with 1 when a host could not be asked.
#[derive(Debug, clap::Args)]
pub struct Status {
    /// The environment's name
    pub environment: String,
    /// The hosts.
    #[command(flatten)]
    pub hosts: HostOptions,
    /// The binaries.
    #[command(flatten)]
    pub agents: AgentOptions,
}

/// What is known of one host, or why nothing is.
type Answer = Result<togusa_core::deployment::HostStatus, Problem>;

impl Status {
    /// Asks the hosts and shows what they say.
    ///
    /// # Errors
    /// The environment or the selection is wrong, or there is no binary to push.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let environment = session.load(&self.environment)?;
        let hosts = select_hosts(&environment, &self.hosts.hosts)?;
        let ssh = session.ssh(&environment, &hosts, &self.agents)?;
        let assets = Arc::new(ProjectAssets::new(&session.root));
        let transports = Transports::new(Arc::clone(&session.registry), assets, ssh)?;
        let transports = Arc::new(transports);
        let transport: Arc<dyn Transport> = transports.clone();
        let ui = &session.ui;
        let tell = |event: Event| {
            if let Event::Pushing { host, target, bytes } = event
                && ui.shows(Verbosity::Verbose)
            {
                let text = format!("{host}  pushing the agent for {target}, {}\n", size(bytes));
                ui.write(Stream::Notes, &harmless(&text));
            }
        };
        let answers = status(&environment, hosts.iter().copied(), &transport, &tell);
        transports.close();
        show(session, &answers);
        let success = answers.values().all(Result::is_ok);
        Ok(if success { Exit::Success } else { Exit::Failed })
    }
}

fn show(session: &Session, answers: &BTreeMap<HostName, Answer>) {
    let ui = &session.ui;
    if ui.choices.json {
        let objects: Vec<_> = answers.iter().map(object).collect();
        return ui.write(Stream::Data, &format!("{}\n", Value::from(objects)));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let shown = Shown {
        answers,
        now,
        // A clock without a zone goes by UTC.
        zone: TimeZone::local().unwrap_or_else(|_| TimeZone::utc()),
        whole: ui.shows(Verbosity::Verbose),
        paint: ui.paint(Stream::Data),
    };
    ui.write(Stream::Data, &shown.text());
    let paint = ui.paint(Stream::Notes);
    for (host, answer) in answers {
        if let Err(problem) = answer {
            ui.failed([problem.code]);
            let problem = Problem { hosts: Default::default(), ..problem.clone() };
            let lines = problem_lines(paint, "", Ink::Remove, "error", &problem);
            let host = paint.text(Ink::Name, &harmless(host.as_str()));
            ui.write(Stream::Notes, &format!("{host}  {lines}"));
        }
    }
}

fn object((host, answer): (&HostName, &Answer)) -> Value {
    match answer {
        Ok(status) => json!({
            "host": host,
            "state": State::of(status).name(),
            "records": status.records,
            "holder": status.holder,
            "pending": status.pending,
            "drained": status.drained.iter().map(|(root, instance)| {
                json!({ "root": root, "instance": instance })
            }).collect::<Vec<_>>(),
            "unfinished": status.unfinished,
        }),
        Err(problem) => json!({ "host": host, "state": "unknown", "problem": problem }),
    }
}

#[cfg(test)]
mod tests;
