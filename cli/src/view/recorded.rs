//! Runs as their events, and what a view makes of them.

use std::time::Duration;

use togusa_core::event::{
    Counts, Event, Mode, Outcome, RootIdKey, RootSummary, Skip, Step, Stream, Summary,
};
use togusa_core::names::{Breadcrumb, RootId};
use togusa_core::problem::{Problem, code};
use togusa_core::verdict::Change;

use super::{Purpose, view};
use crate::ui::{Choices, Verbosity, testing};

pub(super) const QUIET: Choices = choices(Verbosity::Quiet);
pub(super) const NORMAL: Choices = choices(Verbosity::Normal);
pub(super) const VERBOSE: Choices = choices(Verbosity::Verbose);

const fn choices(verbosity: Verbosity) -> Choices {
    Choices { verbosity, json: false, data_colour: false, notes_colour: false, progress: false }
}

/// What appears on standard output and on standard error.
pub(super) fn shown(choices: Choices, purpose: Purpose, diffs: bool, events: &[Event]) -> String {
    let (ui, data, notes) = testing::recorded(choices);
    let mut view = view(&ui, purpose, diffs);
    for event in events {
        view.event(event);
    }
    view.finish();
    let section = |name, text: String| match text.is_empty() {
        true => String::new(),
        false => format!("[{name}]\n{text}"),
    };
    section("stdout", data.text()) + &section("stderr", notes.text())
}

pub(super) fn root(host: &str, root: &str) -> RootId {
    RootId::new(host, root)
}

pub(super) fn started(mode: Mode, roots: &[RootId], skipped: &[(RootId, Skip)]) -> Event {
    let (project, environment) = ("shop".to_owned(), "prod".to_owned());
    let skipped = skipped.iter().map(|(root, skip)| (RootIdKey(root.clone()), *skip)).collect();
    Event::Started { mode, project, environment, roots: roots.to_vec(), skipped }
}

pub(super) fn looks(root: &RootId, breadcrumb: &str) -> Event {
    let step = Step::Verify;
    Event::ComponentStarted { root: root.clone(), breadcrumb: breadcrumb.into(), step }
}

pub(super) fn updates(root: &RootId, breadcrumb: &str) -> Event {
    let step = Step::Update;
    Event::ComponentStarted { root: root.clone(), breadcrumb: breadcrumb.into(), step }
}

pub(super) fn changed(
    root: &RootId,
    breadcrumb: &str,
    changes: impl Into<Vec<Change>>,
    triggered_by: &[&str],
    milliseconds: Option<u64>,
) -> Event {
    Event::ComponentChanged {
        root: root.clone(),
        breadcrumb: breadcrumb.into(),
        changes: changes.into(),
        triggered_by: triggered_by.iter().map(|&cause| cause.to_owned()).collect(),
        elapsed: milliseconds.map(Duration::from_millis),
    }
}

fn failed(root: &RootId, breadcrumb: &str, changes: &[Change], problem: Problem) -> Event {
    let (root, breadcrumb) = (root.clone(), Breadcrumb::new(breadcrumb));
    Event::ComponentFailed { root, breadcrumb, changes: changes.to_vec(), problem }
}

fn output(root: &RootId, breadcrumb: &str, text: &str) -> Event {
    let (root, breadcrumb) = (root.clone(), breadcrumb.into());
    Event::Output { root, breadcrumb, stream: Stream::Stdout, text: text.to_owned() }
}

fn counts([verified, changed, unknown, triggered]: [usize; 4]) -> Counts {
    Counts { verified, changed, unknown, triggered }
}

/// The end of every root, then the end of the run.
pub(super) fn ends(roots: &[(&RootId, Outcome, [usize; 4], u64)]) -> Vec<Event> {
    ends_with(roots, Summary::default())
}

pub(super) fn ends_with(
    roots: &[(&RootId, Outcome, [usize; 4], u64)],
    mut summary: Summary,
) -> Vec<Event> {
    let mut events = Vec::new();
    for (root, outcome, numbers, milliseconds) in roots {
        let elapsed = Duration::from_millis(*milliseconds);
        let counts = counts(*numbers);
        let (root, outcome) = ((*root).clone(), outcome.clone());
        let entry = RootSummary { outcome: outcome.clone(), counts, elapsed };
        summary.roots.insert(RootIdKey(root.clone()), entry);
        events.push(Event::RootFinished { root, outcome, counts, elapsed });
    }
    events.push(Event::Finished { summary });
    events
}

/// A deployment in which files change, a service is triggered and one component is current.
pub(super) fn a_deployment(mode: Mode) -> Vec<Event> {
    let (app, nginx) = (root("web1", "app"), root("web2", "nginx"));
    let took = |milliseconds| (mode == Mode::Converge).then_some(milliseconds);
    let outcome = if mode == Mode::Converge { Outcome::Converged } else { Outcome::Planned };
    let mut events = vec![
        started(mode, &[app.clone(), nginx.clone()], &[]),
        Event::Log {
            root: app.clone(),
            breadcrumb: "App".into(),
            text: "3 workers on 2 cores".into(),
        },
        Event::Connecting { host: "web1".into() },
        Event::Connected { host: "web1".into(), elapsed: Duration::from_millis(210) },
        Event::RootStarted { root: app.clone() },
        looks(&app, "App > Directory(\"data\")"),
        looks(&app, "App > File(\"app.conf\")"),
        changed(
            &app,
            "App > File(\"app.conf\")",
            [
                Change::property("mode", "0644", "0600"),
                Change::text("port = 80\nuser = www\n", "port = 8080\nuser = www\n"),
            ],
            &[],
            took(12),
        ),
        looks(&app, "App > File(\"key.pem\")"),
        changed(
            &app,
            "App > File(\"key.pem\")",
            [Change::create("file"), Change::Sensitive],
            &[],
            took(12),
        ),
        looks(&app, "App > Service(\"app\")"),
        updates(&app, "App > Service(\"app\")"),
        output(&app, "App > Service(\"app\")", "restarting\r\n\u{1b}[32mok\u{1b}[0m\n"),
        changed(
            &app,
            "App > Service(\"app\")",
            [],
            &["App > File(\"app.conf\")", "App > File(\"key.pem\")"],
            took(3210),
        ),
        looks(&app, "App"),
        Event::RootStarted { root: nginx.clone() },
        looks(&nginx, "Nginx > File(\"old.conf\")"),
        changed(&nginx, "Nginx > File(\"old.conf\")", [Change::remove("old.conf")], &[], took(1)),
    ];
    events.extend(ends(&[
        (&app, outcome.clone(), [15, 3, 0, 1], 3400),
        (&nginx, outcome, [1, 1, 0, 0], 1),
    ]));
    events
}

/// A failed command, a root that depends on it, and one on another host that does not.
pub(super) fn a_failure() -> Vec<Event> {
    let (db, app, cache) = (root("db1", "db"), root("web1", "app"), root("web2", "cache"));
    let mut problem = Problem::new(code::COMMAND_FAILED, "failed to run `make install`")
        .hint("`make check` names what is missing")
        .in_component(&"db".into(), &"Db > Command(\"make\")".into());
    problem.causes = vec![
        "exit code 2 after 0.4 s".into(),
        "standard error ended with\ncc: not found\n\u{7}make: *** [all] Error 127\n".into(),
    ];
    let mut events = vec![
        started(Mode::Converge, &[db.clone(), app.clone(), cache.clone()], &[]),
        looks(&db, "Db > Command(\"make\")"),
        updates(&db, "Db > Command(\"make\")"),
        output(&db, "Db > Command(\"make\")", "cc: not found"),
        failed(&db, "Db > Command(\"make\")", &["`/usr/bin/db` is missing".into()], problem),
        looks(&cache, "Cache"),
    ];
    events.extend(ends(&[
        (&db, Outcome::Failed, [3, 1, 0, 0], 500),
        (&app, Outcome::DependencyFailed { on: db.clone() }, [0; 4], 0),
        (&cache, Outcome::Converged, [1, 0, 0, 0], 20),
    ]));
    events
}

/// A hundred hosts: most are current, some are changed alike, some fail alike.
pub(super) fn a_hundred_hosts() -> Vec<Event> {
    let roots: Vec<_> = (1..=100).map(|number| root(&format!("web{number:03}"), "app")).collect();
    let mut events = vec![started(Mode::Converge, &roots, &[])];
    let mut ended = Vec::new();
    for (app, number) in roots.iter().zip(1..) {
        let mut end = (app, Outcome::Converged, [10, 0, 0, 0], 20);
        if number <= 5 {
            let change = [Change::text("port = 80\n", &format!("port = {}\n", number / 5))];
            events.push(changed(app, "App > File(\"app.conf\")", change, &[], Some(2)));
            end.2[1] = 1;
        } else if number % 30 == 0 {
            let mut problem = Problem::new(code::COMMAND_FAILED, "failed to run `make`");
            let ended = if number == 60 { "cc: not found" } else { "make: no such target" };
            let took = format!("exit code 2 after 0.{number} s");
            problem.causes = vec![took, format!("standard error ended with\n{ended}")];
            events.push(failed(app, "App > Command(\"make\")", &[], problem));
            end.1 = Outcome::Failed;
        }
        ended.push(end);
    }
    events.extend(ends(&ended));
    events
}
