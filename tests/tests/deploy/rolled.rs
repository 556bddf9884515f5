//! Four instances of a service behind nginx and HAProxy, each on a host of its own, are rolled while
//! they are asked all the time; and the coordinator is killed at ten moments of that.

use serde::Deserialize;
use std::collections::BTreeMap;

use togusa_core::event::{Event, Outcome, Step, Wait};
use togusa_tests::lab::{HostSpec, Lab, Running};
use togusa_tests::project::{Deployment, Project};

use crate::hosts::wait_for_the_end_on;
use crate::project;

const INSTANCES: [&str; 4] = ["app1", "app2", "app3", "app4"];

/// Asks both balancers, each request over a connection of its own, until a file appears; then tells
/// what failed, and how often each answer came.
const CLIENT: &str = r#"
import http.client, json, os, sys, threading, time

stop, targets = sys.argv[1], sys.argv[2:]
failures, answers, lock, pause = [], {}, threading.Lock(), threading.Event()

def ask(target):
    while not os.path.exists(stop):
        began = time.time()
        try:
            connection = http.client.HTTPConnection(target, 8080, timeout=20)
            connection.request("GET", "/", headers={"Connection": "close"})
            answer = connection.getresponse()
            body = answer.read().decode()
            ended = None if answer.status == 200 else f"{answer.status} {body[:200]!r}"
            connection.close()
        except Exception as error:
            body, ended = "", repr(error)
        with lock:
            if ended is None:
                answers[body] = answers.get(body, 0) + 1
            else:
                failures.append(f"{target} at {began:.3f}: {ended}")
        pause.wait(0.01)

threads = [threading.Thread(target=ask, args=[target]) for target in targets for _ in range(3)]
[thread.start() for thread in threads]
print("asking", flush=True)
[thread.join() for thread in threads]
print(json.dumps({"failures": failures, "answers": answers}))
"#;

#[derive(Debug, Deserialize)]
struct Asked {
    failures: Vec<String>,
    answers: BTreeMap<String, usize>,
}

struct Client<'a> {
    lab: &'a Lab,
    stop: String,
    running: Running,
}

impl<'a> Client<'a> {
    fn start(lab: &'a Lab, project: &Project) -> Self {
        let stop = project.path("stop").display().to_string();
        // One of before has seen it.
        let mut command = lab.command("/usr/bin/python3");
        let running = command.args(["-c", CLIENT, &stop, "lb1", "lb2"]).spawn();
        running.wait_until_printed("asking");
        Self { lab, stop, running }
    }

    /// No request has failed; how often each version answered.
    #[track_caller]
    fn end(self) -> BTreeMap<String, usize> {
        self.lab.sh(&format!("touch {}", self.stop));
        let output = self.running.wait().succeeded();
        self.lab.sh(&format!("rm {}", self.stop));
        let asked: Asked = serde_json::from_str(output.lines().last().unwrap()).unwrap();
        assert_eq!(asked.failures, [""; 0], "answers: {:?}", asked.answers);
        asked.answers
    }
}

fn lab() -> Lab {
    let lab = Lab::start(["app1", "app2", "app3", "app4", "lb1", "lb2"].map(HostSpec::new));
    lab["lb1"].sh("rm -f /etc/nginx/sites-enabled/*; nginx");
    lab["lb2"]
        .sh("mkdir -p /run/haproxy; haproxy -W -D -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid");
    lab
}

fn set(project: &Project, version: &str) {
    project.environment(format!(
        "[environment]\nkeep_connections = \"5m\"\n\
         [hosts.\"app[1-4]\"]\ncomponents = [\"serving\"]\n\
         [hosts.lb1]\ncomponents = [\"front\"]\n[hosts.lb2]\ncomponents = [\"edge\"]\n\
         [components.serving]\nversion = \"{version}\"\n\
         [rollout.serving]\nbatch = [1, \"25%\"]\nminimum_up = \"75%\"\nsettle = \"300ms\"\n\
         timeout = \"10s\"\n"
    ));
}

/// All instances serve a version, and none is out of use.
#[track_caller]
fn assert_rolled(lab: &Lab, version: &str) {
    for name in INSTANCES {
        assert_eq!(lab[name].sh("curl -s localhost:8000"), version, "{name}");
    }
    for (name, file) in
        [("lb1", "/etc/nginx/sites-available/serving"), ("lb2", "/etc/haproxy/haproxy.cfg")]
    {
        let text = lab[name].read(file);
        assert!(!text.contains("togusa: drained"), "{name}: {text}");
        let noted = lab[name].sh("ls ~/deployment/subject/test/.togusa/drained 2>/dev/null || :");
        assert_eq!(noted, "", "{name}");
    }
}

fn batches(events: &[Event]) -> Vec<Vec<String>> {
    let batches = events.iter().filter_map(|event| match event {
        Event::RolloutBatch { roots, .. } => {
            Some(roots.iter().map(|root| root.host.to_string()).collect())
        }
        _ => None,
    });
    batches.collect()
}

fn one_by_one() -> Vec<Vec<String>> {
    INSTANCES.map(|name| vec![name.to_owned()]).into()
}

#[test]
fn a_version_rolls_and_a_bad_one_stops_without_a_failed_request() {
    let (lab, project) = (lab(), project());
    set(&project, "v1");
    project.deploy(&lab).expect(0);
    assert_rolled(&lab, "v1");

    let client = Client::start(&lab, &project);
    set(&project, "v2");
    let ran = project.deploy(&lab).expect(0);
    assert_eq!(batches(&ran.events), one_by_one());
    let drained = |event: &&Event| matches!(event, Event::Drained { .. });
    assert_eq!(ran.events.iter().filter(drained).count(), 8);
    assert_rolled(&lab, "v2");
    let answers = client.end();
    assert!(answers["v1"] > 0 && answers["v2"] > 0, "{answers:?}");

    // Nothing is to be changed: nothing is taken out of use.
    let ran = project.deploy(&lab).expect(0);
    assert_eq!((ran.changes().len(), batches(&ran.events).len()), (0, 0));

    let client = Client::start(&lab, &project);
    set(&project, "bad");
    let ran = project.deploy(&lab).expect(1);
    assert_eq!(batches(&ran.events), [["app1"]]);
    assert_eq!(*ran.outcome("serving@app1"), Outcome::Failed);
    for name in ["app2", "app3", "app4"] {
        assert_eq!(*ran.outcome(&format!("serving@{name}")), Outcome::NotReached);
        assert_eq!(lab[name].sh("curl -s localhost:8000"), "v2", "{name}");
    }
    let out = lab["lb1"].read("/etc/nginx/sites-available/serving");
    assert_eq!(out.matches("down; # togusa: drained").count(), 1, "{out}");
    // A plan takes what is out of use for right.
    let changes = project.run(&lab, "plan test").expect(0).changes();
    assert!(!changes.iter().any(|change| change.contains("@lb")), "{changes:?}");
    let answers = client.end();
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["v2"]);

    let client = Client::start(&lab, &project);
    set(&project, "v3");
    let ran = project.deploy(&lab).expect(0);
    assert_eq!(batches(&ran.events), one_by_one());
    assert_rolled(&lab, "v3");
    client.end();
}

/// When the coordinator is killed: the first event of this kind.
type Moment = (&'static str, fn(&Event) -> bool);

/// In the order of a rollout.
const MOMENTS: [Moment; 10] = [
    ("while it connects", |event| matches!(event, Event::Connecting { .. })),
    ("when hosts are ready", |event| matches!(event, Event::Connected { .. })),
    ("when the first batch begins", |event| is_batch(event, 1)),
    ("when it is out of use on one balancer", |event| matches!(event, Event::Drained { .. })),
    ("when it is updated", |event| {
        matches!(event, Event::ComponentStarted { step: Step::Update, root, .. }
            if root.host.as_str() == "app1")
    }),
    ("while it becomes healthy", |event| is_wait(event, Wait::Healthy)),
    ("while it settles", |event| is_wait(event, Wait::Settled)),
    ("when it is put back", |event| matches!(event, Event::Restored { .. })),
    ("when the third batch begins", |event| is_batch(event, 3)),
    ("when the last one is done", |event| matches!(event, Event::RolloutFinished { .. })),
];

fn is_batch(event: &Event, wanted: usize) -> bool {
    matches!(event, Event::RolloutBatch { number, .. } if *number == wanted)
}

fn is_wait(event: &Event, wanted: Wait) -> bool {
    matches!(event, Event::RolloutWaiting { wait, .. } if *wait == wanted)
}

fn kill_when(run: &Deployment, moment: &str, is_it: fn(&Event) -> bool) {
    run.wait_until(moment, |events| events.iter().any(is_it));
    run.running.kill();
}

#[test]
fn a_rollout_killed_at_any_moment_is_ended_by_the_next_run_without_a_failed_request() {
    let (lab, project) = (lab(), project());
    set(&project, "v0");
    project.deploy(&lab).expect(0);
    let client = Client::start(&lab, &project);
    for (number, (moment, is_it)) in MOMENTS.into_iter().enumerate() {
        say(&format!("killed {moment}"));
        let version = format!("k{number}");
        set(&project, &version);
        kill_when(&project.start(&lab), moment, is_it);
        lab.hosts().iter().for_each(wait_for_the_end_on);
        project.deploy(&lab).expect(0);
        assert_rolled(&lab, &version);
    }
    let answers = client.end();
    assert!(MOMENTS.iter().enumerate().all(|(it, _)| answers.contains_key(&format!("k{it}"))));
}

#[expect(clippy::print_stderr, reason = "tells which moment a failure belongs to")]
fn say(text: &str) {
    eprintln!("{text}");
}
