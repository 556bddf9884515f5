use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use togusa_core::environment::{Connect, Host};
use togusa_core::names::HostName;
use togusa_core::problem::{Problem, code};

use super::HostOptions;
use crate::execute::{Ended, Execution, Lifelines, split};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::select_hosts;
use crate::session::Session;
use crate::signals;
use crate::text::{count, harmless, names};
use crate::transport::home;
use crate::ui::{Ink, Paint, Stream, Ui, Verbosity};
use crate::view::problem_lines;

const NAMES: usize = 8;

/// Run a command on hosts
///
/// Runs it on all hosts at once, as the user that they converge as and in that user's home
/// directory. No shell interprets the command: for pipes and variables run `sh -c '…'`. It reads
/// nothing. Its lines are told apart by the host; with one host they come as they are. Exits with 0
/// if the command did so on every host, else with 1. Ctrl-C ends the command everywhere.
#[derive(Debug, clap::Args)]
pub struct Exec {
    /// The environment's name
    pub environment: String,
    /// The hosts.
    #[command(flatten)]
    pub hosts: HostOptions,
    /// As the user who logs in, also where a host converges as another
    #[arg(long)]
    pub login: bool,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

impl Exec {
    /// Runs the command.
    ///
    /// # Errors
    /// The environment or the selection is wrong; nothing was run.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let environment = session.load(&self.environment)?;
        let hosts = select_hosts(&environment, &self.hosts.hosts)?;
        let connections = match hosts.iter().any(|host| host.connect == Connect::Ssh) {
            true => Some(session.connections(&environment)?),
            false => None,
        };
        let (ui, home) = (&session.ui, home()?);
        let lifelines = Arc::new(Lifelines::default());
        listen(&lifelines, ui)?;
        let (command, connections) = (self.command.as_slice(), connections.as_ref());
        let execution = Execution { command, login: self.login, connections, home: &home };
        let printer = Printer::new(ui, &hosts);
        let ended = execution.run(
            &hosts,
            &lifelines,
            &|host, stream, bytes| printer.hear(host, stream, bytes),
            &|host, ended| printer.done(host, ended),
        );
        if lifelines.are_cut() {
            return Ok(Exit::Interrupted);
        }
        if !ui.choices.json {
            let paint = ui.paint(Stream::Notes);
            ui.failed(ended.values().filter_map(|ended| Some(ended.as_ref().err()?.code)));
            ui.write(Stream::Notes, &summary(&ended, ui.shows(Verbosity::Normal), paint));
        }
        let success = ended.values().all(|ended| matches!(ended, Ok(0)));
        Ok(if success { Exit::Success } else { Exit::Failed })
    }
}

fn listen(lifelines: &Arc<Lifelines>, ui: &Ui) -> Result<(), Failure> {
    let (lifelines, ui) = (Arc::clone(lifelines), ui.clone());
    let end = move || {
        lifelines.cut();
        let note = "ending the command everywhere; press Ctrl-C again to leave at once\n";
        ui.write(Stream::Notes, note);
    };
    signals::end_with(end).map_err(|error| {
        Failure::failed(Problem::new(
            code::THIS_MACHINE,
            format!("cannot listen for signals: {error}"),
        ))
    })
}

/// Shows what comes from hosts, line by line where there are several.
struct Printer<'a> {
    ui: &'a Ui,
    alone: bool,
    width: usize,
    /// What has come without its line end yet, of each host and stream.
    unfinished: BTreeMap<HostName, [Mutex<Vec<u8>>; 2]>,
}

impl<'a> Printer<'a> {
    fn new(ui: &'a Ui, hosts: &[&Host]) -> Self {
        let names = hosts.iter().map(|host| &host.name);
        Self {
            ui,
            alone: hosts.len() == 1,
            width: names.clone().map(|name| name.as_str().chars().count()).max().unwrap_or(0),
            unfinished: names.map(|name| (name.clone(), Default::default())).collect(),
        }
    }

    /// Takes what a host printed; nothing means that no more will come.
    fn hear(&self, host: &HostName, stream: Stream, bytes: &[u8]) {
        if self.alone && !self.ui.choices.json {
            return self.ui.write_bytes(stream, bytes);
        }
        let Some(unfinished) = self.unfinished.get(host) else { return };
        let mut come = unfinished[stream as usize].lock().unwrap_or_else(PoisonError::into_inner);
        come.extend_from_slice(bytes);
        for line in split(&mut come, bytes.is_empty()) {
            self.line(host, stream, &line);
        }
    }

    fn line(&self, host: &HostName, stream: Stream, line: &str) {
        if self.ui.choices.json {
            let name = if stream == Stream::Data { "stdout" } else { "stderr" };
            let object = json!({ "host": host, "stream": name, "text": line });
            return self.ui.write(Stream::Data, &format!("{object}\n"));
        }
        let paint = self.ui.paint(stream);
        let name = format!("{:1$}", harmless(host.as_str()), self.width);
        let (name, bar) = (paint.text(Ink::Name, &name), paint.text(Ink::Faint, "|"));
        self.ui.write(stream, &format!("{name}  {bar} {}\n", harmless(line)));
    }

    fn done(&self, host: &HostName, ended: &Ended) {
        if self.ui.choices.json {
            let object = match ended {
                Ok(code) => json!({ "host": host, "exit": code }),
                Err(problem) => json!({ "host": host, "problem": problem }),
            };
            self.ui.write(Stream::Data, &format!("{object}\n"));
        }
    }
}

/// Which hosts ended with which exit code, and why others did not; without `all` those alone that
/// did not end with 0. One host that did is not mentioned.
fn summary(ended: &BTreeMap<HostName, Ended>, all: bool, paint: Paint) -> String {
    let mut codes = BTreeMap::<i32, Vec<&HostName>>::new();
    let mut text = String::new();
    for (host, ended) in ended {
        match ended {
            Ok(code) => codes.entry(*code).or_default().push(host),
            Err(problem) => {
                let problem = Problem { hosts: Default::default(), ..problem.clone() };
                text += &paint.text(Ink::Name, &harmless(host.as_str()));
                text += "  ";
                text += &problem_lines(paint, "", Ink::Remove, "error", &problem);
            }
        }
    }
    for (code, hosts) in codes {
        let ink = if code == 0 { Ink::Create } else { Ink::Remove };
        let exit = paint.text(ink, &format!("exit {code}"));
        if code != 0 {
            let hosts = names(hosts.into_iter().map(HostName::as_str), NAMES);
            text += &format!("{exit}: {hosts}\n");
        } else if all && ended.len() > 1 {
            let of = if hosts.len() == ended.len() { "all " } else { "" };
            text += &format!("{exit}: {of}{}\n", count(hosts.len(), "host"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Choices, testing};

    fn shown(ended: &[(&str, Ended)], all: bool) -> String {
        let ended = ended.iter().map(|(host, ended)| ((*host).into(), ended.clone())).collect();
        summary(&ended, all, Paint(false))
    }

    #[test]
    fn exit_codes_are_told_by_host_and_failures_with_their_reason() {
        let lost = Problem::new(code::CONNECTION_LOST, "the connection was lost")
            .hint("look")
            .on(&"web3".into());
        let ended = [
            ("web1", Ok(0)),
            ("web2", Ok(2)),
            ("web3", Err(lost)),
            ("web4", Ok(2)),
            ("web5", Ok(0)),
        ];
        insta::assert_snapshot!(shown(&ended, true), @r"
        web3  error[T0426]: the connection was lost
          hint: look
        exit 0: 2 hosts
        exit 2: `web2`, `web4`
        ");
        assert!(!shown(&ended, false).contains("exit 0"));
        assert_eq!(shown(&[("web1", Ok(0)), ("web2", Ok(0))], true), "exit 0: all 2 hosts\n");
        assert_eq!(shown(&[("web1", Ok(0))], true), "");
        assert_eq!(shown(&[("web1", Ok(7))], false), "exit 7: `web1`\n");
    }

    #[test]
    fn lines_of_several_hosts_are_told_apart_and_kept_whole() {
        let hosts = ["a", "web10"].map(|name| Host::local(name, "t"));
        let (ui, data, notes) = testing::recorded(Choices::default());
        let printer = Printer::new(&ui, &hosts.iter().collect::<Vec<_>>());
        let hear = |host: &str, stream, text: &str| {
            printer.hear(&host.into(), stream, text.as_bytes());
        };
        hear("a", Stream::Data, "on");
        hear("web10", Stream::Data, "\u{1b}[2Jtwo\nthree");
        hear("a", Stream::Notes, "odd\n");
        hear("a", Stream::Data, "e\n");
        hear("web10", Stream::Data, "");
        insta::assert_snapshot!(data.text(), @r"
        web10  | \x1b[2Jtwo
        a      | one
        web10  | three
        ");
        assert_eq!(notes.text(), "a      | odd\n");
    }

    #[test]
    fn what_one_host_prints_is_left_as_it_is() {
        let host = Host::local("a", "t");
        let (ui, data, _) = testing::recorded(Choices::default());
        let printer = Printer::new(&ui, &[&host]);
        printer.hear(&host.name, Stream::Data, b"\x1b[1mhalf");
        printer.hear(&host.name, Stream::Data, b"");
        assert_eq!(data.text(), "\u{1b}[1mhalf");
    }

    #[test]
    fn programs_read_lines_and_ends() {
        let hosts = ["a", "b"].map(|name| Host::local(name, "t"));
        let (ui, data, _) = testing::recorded(Choices { json: true, ..Choices::default() });
        let printer = Printer::new(&ui, &hosts.iter().collect::<Vec<_>>());
        printer.hear(&"a".into(), Stream::Notes, b"odd\n");
        printer.done(&"a".into(), &Ok(3));
        printer.done(&"b".into(), &Err(Problem::new(code::CONNECTION_LOST, "lost")));
        insta::assert_snapshot!(data.text(), @r#"
        {"host":"a","stream":"stderr","text":"odd"}
        {"exit":3,"host":"a"}
        {"host":"b","problem":{"code":"T0426","message":"lost"}}
        "#);
    }
}
