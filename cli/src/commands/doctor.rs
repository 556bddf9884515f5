use std::collections::BTreeMap;

use serde_json::{Value, json};
use togusa_core::environment::{Connect, Environment, Host};
use togusa_core::names::HostName;
use togusa_core::problem::{Problem, code};

use super::{AgentOptions, HostOptions};
use crate::agents::Agents;
use crate::doctor::data::{Facts, fragment};
use crate::doctor::here::Here;
use crate::doctor::table::{Seen, details, table};
use crate::doctor::{Answer, Asked, Asking, Finding, Severity, Supply, is_sound, judge};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::select_hosts;
use crate::session::{Secrets, Session};
use crate::text::{count, harmless};
use crate::transport::home;
use crate::ui::{Ink, Paint, Stream, Verbosity};
use crate::view::problem_lines;

/// Look whether hosts can be deployed to, and say what to do where they cannot
///
/// Looks at this machine and logs in to all hosts at once; no agent is needed there, and nothing is
/// changed: users, sudo, tools, store and target directory, clocks, the lock. `-v` shows more of each
/// host. Whether the model is sound is for `check` to say. Exits with 1 when a deployment would fail.
///
/// With `--data` it prints facts of the hosts (cores, memory, release, addresses) as TOML, for the end
/// of environment.toml. `configure` runs before any host is contacted, and is to give the same each
/// time: so it knows of a host what its `data` says, and nothing else.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// The environment's name
    pub environment: String,
    /// The hosts.
    #[command(flatten)]
    pub hosts: HostOptions,
    /// Print facts of the hosts as TOML for `data`, and nothing else
    #[arg(long)]
    pub data: bool,
    /// The binaries.
    #[command(flatten)]
    pub agents: AgentOptions,
}

impl Doctor {
    /// Looks at this machine and at the hosts, and shows what is to be done.
    ///
    /// # Errors
    /// The environment or the selection is wrong, or connections cannot be kept.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let loaded = session.loaded(&self.environment, Secrets::Closed)?;
        let environment = &loaded.environment;
        let hosts = select_hosts(environment, &self.hosts.hosts)?;
        let is_remote = |host: &&&Host| host.connect == Connect::Ssh;
        let remote: Vec<_> = hosts.iter().filter(is_remote).copied().collect();
        let connections = match remote.as_slice() {
            [] => None,
            _ => Some(session.connections(environment)?),
        };
        let (connections, home) = (connections.as_ref(), home()?);
        let asking = Asking { connections, home: &home, project: &session.project };
        if self.data {
            return self.show_data(session, &hosts, &asking.ask(&hosts));
        }
        let mut here = Here::default();
        let (answers, agents) = std::thread::scope(|scope| {
            let asked = scope.spawn(|| asking.ask(&hosts));
            // Meanwhile, as keys may want a passphrase.
            let agents = connections.map(|connections| {
                let agents = session.agents(&self.agents);
                let agents = agents.map_err(|problem| Failure::wrong_use([problem]));
                let of = (agents.as_ref(), self.agents.agents.is_some());
                here.of_ssh(&remote, (connections, session.keep(environment)), of);
                agents
            });
            here.of_git(session, environment);
            here.of_secrets(session, &loaded.chain);
            let answers = asked.join();
            (answers.unwrap_or_else(|panic| std::panic::resume_unwind(panic)), agents)
        });
        let agents = agents.as_ref().and_then(|agents| agents.as_ref().ok());
        let seen = hosts.iter().filter_map(|host| {
            let answer = answers.get(&host.name)?;
            Some(see(session, environment, host, answer, agents))
        });
        let seen: Vec<_> = seen.collect();
        if session.ui.choices.json {
            show_json(session, environment, &here, &seen);
        } else {
            show(session, environment, &here, &seen);
        }
        let findings = seen.iter().flat_map(|seen| &seen.findings).chain(&here.findings);
        Ok(if is_sound(findings) { Exit::Success } else { Exit::Failed })
    }

    fn show_data(
        &self,
        session: &Session,
        hosts: &[&Host],
        answers: &BTreeMap<HostName, Answer>,
    ) -> Result<Exit, Failure> {
        let ui = &session.ui;
        let known = answers
            .iter()
            .filter_map(|(name, answer)| Some((name, &answer.as_ref().ok()?.answers)));
        if ui.choices.json {
            let facts: BTreeMap<_, _> =
                known.map(|(name, answers)| (name, Facts::of(answers))).collect();
            ui.write(Stream::Data, &format!("{}\n", json!(facts)));
        } else {
            let text = fragment(known).map_err(|error| {
                Failure::failed(Problem::new(
                    code::DEFECT,
                    format!("cannot write the facts as TOML: {error}"),
                ))
            })?;
            ui.write(Stream::Data, &text);
            let with_data = hosts.iter().filter(|host| !host.data.0.is_empty());
            let with_data: Vec<_> = with_data.map(|host| host.name.as_str()).collect();
            if !with_data.is_empty() && ui.shows(Verbosity::Normal) {
                let names = crate::text::names(with_data, 8);
                let note = format!(
                    "note: {names} have `data` already; where it stands in the entry of the host \
                     itself, add these keys to it\n"
                );
                ui.write(Stream::Notes, &note);
            }
        }
        let problems = answers.values().filter_map(|answer| answer.as_ref().err());
        let problems = Problem::merged(problems.cloned());
        for problem in &problems {
            let paint = ui.paint(Stream::Notes);
            ui.write(Stream::Notes, &problem_lines(paint, "", Ink::Remove, "error", problem));
        }
        Ok(if problems.is_empty() { Exit::Success } else { Exit::Failed })
    }
}

/// What there is to say of a host.
fn see<'a>(
    session: &Session,
    environment: &Environment,
    host: &'a Host,
    answer: &'a Answer,
    agents: Option<&Agents>,
) -> Seen<'a> {
    let Asked { answers, .. } = match answer {
        Ok(asked) => asked,
        Err(problem) => {
            let findings = vec![Finding::error(problem.clone())];
            return Seen { host, answer, supply: None, findings };
        }
    };
    let agents = agents.filter(|_| host.connect == Connect::Ssh);
    let supply: Option<Supply> = agents.and_then(|agents| match &host.target {
        Some(target) => Some(agents.look(Some(target))),
        None => Some(agents.look_for_machine(answers.system.as_ref()?, answers.machine.as_ref()?)),
    });
    let names = (session.project.as_str(), environment.name.as_str());
    let findings =
        answer.as_ref().map(|asked| judge(host, names, asked, supply.as_ref())).unwrap_or_default();
    Seen { host, answer, supply, findings }
}

fn show(session: &Session, environment: &Environment, here: &Here, seen: &[Seen<'_>]) {
    let ui = &session.ui;
    let paint = ui.paint(Stream::Data);
    let mut text = String::new();
    if ui.shows(Verbosity::Normal) {
        let width = here.rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        text += "this machine\n";
        for (name, words) in &here.rows {
            text += &format!("  {name:width$}  {}\n", harmless(words));
        }
        text += "\n";
        text += &table(seen, ui.shows(Verbosity::Verbose), paint);
        if ui.shows(Verbosity::Verbose) {
            text += &seen.iter().map(details).collect::<String>();
        }
    }
    let paragraphs = paragraphs(here, seen, paint);
    if !paragraphs.is_empty() && !text.is_empty() {
        text += "\n";
    }
    text += &paragraphs;
    if ui.shows(Verbosity::Normal) {
        text += &format!("\n{}\n", verdict(&environment.name, here, seen));
    }
    ui.write(Stream::Data, &text);
}

/// The findings: those of this machine first, what is the same on several hosts in one.
fn paragraphs(here: &Here, seen: &[Seen<'_>], paint: Paint) -> String {
    let mut text = String::new();
    for (severity, ink, label) in
        [(Severity::Error, Ink::Remove, "error"), (Severity::Warning, Ink::Change, "warning")]
    {
        let of_hosts = seen.iter().flat_map(|seen| &seen.findings);
        for findings in [here.findings.iter().collect(), of_hosts.collect::<Vec<_>>()] {
            let such = findings.into_iter().filter(|finding| finding.severity == severity);
            for problem in Problem::merged(such.map(|finding| finding.problem.clone())) {
                text += &problem_lines(paint, "", ink, label, &problem);
            }
        }
    }
    text
}

/// What it comes to, in one sentence.
fn verdict(environment: &str, here: &Here, seen: &[Seen<'_>]) -> String {
    let errors = |findings: &[Finding]| !is_sound(findings);
    let failing = seen.iter().filter(|seen| errors(&seen.findings)).count();
    let all = count(seen.len(), "host");
    match (errors(&here.findings), failing) {
        (true, _) => format!("nothing can be deployed to `{environment}` from here"),
        (false, 0) => {
            format!("nothing stands in the way of a deployment to `{environment}`: {all}")
        }
        (false, failing) => {
            format!("{failing} of {all} of `{environment}` cannot be deployed to")
        }
    }
}

fn show_json(session: &Session, environment: &Environment, here: &Here, seen: &[Seen<'_>]) {
    let rows: serde_json::Map<_, _> =
        here.rows.iter().map(|(name, words)| ((*name).to_owned(), words.as_str().into())).collect();
    let hosts: Vec<_> = seen.iter().map(object).collect();
    let findings = seen.iter().flat_map(|seen| &seen.findings).chain(&here.findings);
    let object = json!({
        "environment": environment.name,
        "sound": is_sound(findings),
        "here": { "looked_at": rows, "findings": here.findings },
        "hosts": hosts,
    });
    session.ui.write(Stream::Data, &format!("{object}\n"));
}

fn object(seen: &Seen<'_>) -> Value {
    let mut object = json!({ "host": seen.host.name, "findings": seen.findings });
    if let Ok(Asked { reached, resumed, answers }) = seen.answer {
        object["seconds"] = json!(reached.as_secs_f64());
        object["kept"] = json!(resumed);
        object["answers"] = json!(answers);
        if let Some(Ok(supply)) = &seen.supply {
            let has = |digest| answers.agents.contains(digest);
            object["agent"] = json!(match supply {
                Some(binary) if has(&binary.digest) => "kept",
                Some(_) => "to-push",
                None => "to-build",
            });
        }
    }
    object
}
