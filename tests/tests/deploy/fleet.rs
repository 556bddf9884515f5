//! Many hosts at once.

use togusa_core::event::Event;
use togusa_tests::lab::Lab;

use crate::hosts::{TARGET, agents, log};
use crate::project;

const HOSTS: usize = 27;

#[test]
fn twenty_seven_hosts_are_deployed_to_and_drift_of_one_is_found() {
    let lab = Lab::start(HOSTS);
    let project = project();
    project.write("assets/src/page.j2", "{{ host.name }} listens on {{ port }}\n");
    project.environment(format!(
        "[environment]\nkeep_connections = \"5m\"\n\
         [hosts.host1]\ncomponents = [\"database\"]\n\
         [hosts.\"host[2-{HOSTS}]\"]\ncomponents = [\"app\", \"page\"]\n"
    ));
    project.deploy(&lab).expect(0);
    for host in &lab.hosts()[1..] {
        let page = format!("{TARGET}/work/page/page");
        assert_eq!(host.read(&page), format!("{} listens on 80\n", host.name()));
    }
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
    assert_eq!(project.run(&lab, "verify test").expect(0).changes(), [""; 0]);

    project.write("assets/src/page.j2", "{{ host.name }} listens on {{ port }} now\n");
    let changes = project.deploy(&lab).expect(0).changes();
    assert_eq!(changes.len(), 2 * (HOSTS - 1), "{changes:?}");
    let pages = changes.iter().filter(|change| change.ends_with(": Page > File(\"page\")"));
    assert_eq!(pages.count(), HOSTS - 1);

    let drifted = &lab["host13"];
    drifted.write(&format!("{TARGET}/work/page/page"), "changed by hand\n");
    let before = drifted.sh(&format!("find {TARGET} -printf '%p %T@\n' | sort"));
    let drift = [
        "page@host13: Page > Command(\"echo reload >>~/log\")",
        "page@host13: Page > File(\"page\")",
    ];
    for (command, code) in [("plan test", 0), ("plan test --exit-code", 4), ("verify test", 4)] {
        let ran = project.run(&lab, command).expect(code);
        let mut changes = ran.changes();
        changes.sort();
        assert_eq!(changes, drift, "{command}");
        assert!(ran.output.stdout.contains("-changed by hand"), "{command}");
    }
    assert_eq!(drifted.sh(&format!("find {TARGET} -printf '%p %T@\n' | sort")), before);

    // Who is not selected is left alone.
    let ran = project.run(&lab, "deploy test --host host2,host[3-4]").expect(0);
    let of_others = |event: &&Event| matches!(event, Event::Connecting { host } if !["host2", "host3", "host4"].contains(&host.as_str()));
    assert_eq!(ran.events.iter().filter(of_others).count(), 0);
    assert_eq!(ran.changes(), [""; 0]);
    assert_eq!(project.run(&lab, "verify test --host host13").expect(4).changes().len(), 2);
    let ran = project.run(&lab, "deploy test --host host13").expect(0);
    assert_eq!(ran.changes().len(), 2);
    assert_eq!(project.run(&lab, "verify test").expect(0).changes(), [""; 0]);
    assert_eq!(log(drifted).iter().filter(|line| *line == "reload").count(), 3);
    for host in lab.hosts() {
        assert!(agents(host).is_empty());
    }
}
