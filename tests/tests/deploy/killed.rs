//! The coordinator killed with SIGKILL, at ten moments that are spread over a deployment.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use togusa_core::event::{Event, Step};
use togusa_tests::lab::Lab;
use togusa_tests::project::{Deployment, Project};

use crate::hosts::{
    STORE, agents, assert_whole, close_gates, lock_is_free, log, open_gates, sizes, times,
    unfinished, wait_for_the_end_on, wait_until,
};
use crate::{noise, project};

/// Less than what an agent waits that hears nothing: who ends earlier was told.
const AT_ONCE: Duration = Duration::from_secs(20);

/// When the coordinator is killed.
struct Moment {
    name: &'static str,
    /// Brings a run there that has just been started.
    reach: fn(&Lab, &Deployment),
    /// The hosts on which an update waits for its gate then; without any, no update waits.
    busy: &'static [&'static str],
}

/// In the order of a deployment.
const MOMENTS: [Moment; 10] = [
    Moment {
        name: "while it connects",
        reach: |_, run| run.wait_until("host", |events| count(events, is_connecting) == 3),
        busy: &[],
    },
    Moment {
        name: "when a push begins",
        reach: |_, run| run.wait_until("push", |events| count(events, is_push) > 0),
        busy: &[],
    },
    Moment {
        name: "while a binary arrives",
        reach: |lab, _| wait_until("a binary", || sent(lab, "agents") > 0),
        busy: &[],
    },
    Moment {
        name: "when the first agent is ready",
        reach: |_, run| run.wait_until("agent", |events| count(events, is_connected) > 0),
        busy: &[],
    },
    Moment {
        name: "while an asset arrives",
        reach: |lab, _| wait_until("an asset", || sent(lab, "assets") > 1_000_000),
        busy: &[],
    },
    Moment {
        name: "when the first update begins",
        reach: |_, run| run.wait_until("update", |events| count(events, is_update) > 0),
        busy: &[],
    },
    Moment {
        name: "while one host is busy and others are idle",
        reach: |_, run| run.wait_for_gates(&["host1"]),
        busy: &["host1"],
    },
    Moment {
        name: "while two hosts are busy",
        reach: |lab, run| {
            open_gates([&lab["host1"]]);
            run.wait_for_gates(&["host2", "host3"]);
        },
        busy: &["host2", "host3"],
    },
    Moment {
        name: "when one of them is done",
        reach: |lab, run| {
            open_gates([&lab["host1"], &lab["host2"]]);
            run.wait_for_gates(&["host3"]);
            run.wait_until("root", |events| count(events, is_end_of_root) == 2);
        },
        busy: &["host3"],
    },
    Moment {
        name: "when all roots are done",
        reach: |_, run| run.wait_until("root", |events| count(events, is_end_of_root) == 4),
        busy: &[],
    },
];

fn count(events: &[Event], is_it: fn(&Event) -> bool) -> usize {
    events.iter().filter(|event| is_it(event)).count()
}

fn is_connecting(event: &Event) -> bool {
    matches!(event, Event::Connecting { .. })
}

fn is_push(event: &Event) -> bool {
    matches!(event, Event::Pushing { .. })
}

fn is_connected(event: &Event) -> bool {
    matches!(event, Event::Connected { .. })
}

fn is_update(event: &Event) -> bool {
    matches!(event, Event::ComponentStarted { step: Step::Update, .. })
}

fn is_end_of_root(event: &Event) -> bool {
    matches!(event, Event::RootFinished { .. })
}

/// How much of something has come to the hosts, in bytes.
fn sent(lab: &Lab, directory: &str) -> u64 {
    lab.hosts().iter().flat_map(|host| sizes(host, directory)).sum()
}

fn set(project: &Project, text: &str) {
    let mut environment = "[hosts.host1]\ncomponents = [\"database\"]\n\
        [hosts.host2]\ncomponents = [\"app\"]\n\
        [hosts.host3]\ncomponents = [\"app\", \"bulk\"]\n"
        .to_owned();
    for root in ["database", "app"] {
        write!(environment, "[components.{root}]\ngated = true\ntext = \"{text}\"\n").unwrap();
    }
    project.environment(environment);
}

#[test]
fn a_coordinator_killed_at_any_moment_leaves_nothing_that_the_next_run_cannot_complete() {
    let lab = Lab::start(3);
    let project = project();
    let mut before = "v0".to_owned();
    open_gates(lab.hosts());
    for (moment, number) in MOMENTS.iter().zip(1..) {
        let text = format!("v{number}");
        set(&project, &text);
        project.write("assets/src/bulk", noise(32));
        if !moment.busy.is_empty() {
            close_gates(lab.hosts());
        }
        for host in lab.hosts() {
            // Everything is sent anew, so that there is something to break.
            host.sh(&format!("rm -rf {STORE}"));
        }
        say(&format!("killed {}", moment.name));
        let run = project.start(&lab);
        (moment.reach)(&lab, &run);
        run.running.kill();
        look_after(&lab, moment, &[&before, &text]);

        open_gates(lab.hosts());
        project.deploy(&lab).expect(0);
        for host in lab.hosts() {
            assert_whole(host, &[&text]);
            assert_eq!(unfinished(host), [""; 0], "{}", host.name());
            let due: &[_] = if host.name() == "host1" {
                &["work", "restart"]
            } else {
                &["work", "restart", "reconnect"]
            };
            for what in due {
                let line = format!("{what} {text}");
                assert!(times(host, &line) >= 1, "no `{line}` on {}: {:?}", host.name(), log(host));
            }
        }
        assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
        before = text;
    }
}

#[expect(clippy::print_stderr, reason = "tells which moment a failure belongs to")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// What must hold although nobody tidied up.
fn look_after(lab: &Lab, moment: &Moment, texts: &[&str]) {
    let killed = Instant::now();
    for host in lab.hosts().iter().filter(|host| !moment.busy.contains(&host.name())) {
        wait_for_the_end_on(host);
        assert!(killed.elapsed() < AT_ONCE, "the agent on {} was not told", host.name());
    }
    for name in moment.busy {
        let host = &lab[*name];
        assert_eq!(agents(host).len(), 1, "the agent on {name} did not wait for its update");
        assert!(!lock_is_free(host), "{name} is not locked while it is updated");
        open_gates([host]);
        wait_for_the_end_on(host);
    }
    for host in lab.hosts() {
        assert_whole(host, texts);
    }
}
