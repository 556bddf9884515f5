//! What crosses the wire, seen before ssh encrypts it.

use std::time::Duration;

use togusa_tests::lab::{HostSpec, Lab};
use togusa_tests::project::Project;
use togusa_tests::tap::{self, Frame};

use crate::hosts::TARGET;
use crate::{noise, project};

/// Deploys and gives what was said to the agent of each host and by it.
fn tapped(project: &Project, lab: &Lab, name: &str) -> impl Fn(&str, &str) -> Vec<Frame> + use<> {
    let directory = project.path(name);
    let mut deploy = project.command(lab, "deploy test --json");
    deploy.env("TOGUSA_TAP", &directory).output().succeeded();
    move |host, end| tap::frames(&std::fs::read(directory.join(format!("{host}.{end}"))).unwrap())
}

#[test]
fn a_host_is_told_and_keeps_nothing_that_its_own_roots_do_not_need() {
    const TOKEN: &str = "open-sesame-3141592653589793";
    let lab = Lab::start(["vault", "client", "app", "database"].map(HostSpec::new));
    let project = project();
    project.write("assets/src/page.j2", "{{ host.name }}\n");
    // Long enough to be packed on the wire.
    let token = TOKEN.repeat(200);
    project.environment(format!(
        "[hosts.vault]\ncomponents = [\"vault\"]\n\
         [hosts.client]\ncomponents = [\"client\"]\n\
         [hosts.app]\ncomponents = [\"app\", \"page\"]\n\
         [hosts.database]\ncomponents = [\"database\"]\n\
         [components.vault]\ntoken = \"{token}\"\n"
    ));
    let heard = tapped(&project, &lab, "tap");
    for (host, may_know) in [("vault", true), ("client", true), ("app", false), ("database", false)]
    {
        for end in ["to-agent", "from-agent"] {
            let frames = heard(host, end);
            assert!(frames.iter().any(Frame::is_message), "nothing was tapped of {host}");
            let knows = frames.iter().any(|frame| frame.contains(TOKEN));
            assert_eq!(knows, may_know && end == "to-agent", "{host}, {end}");
        }
        // All that the host has written since it was made.
        let written = format!("cd /run/lab/hosts/{host}/up; grep -rl {TOKEN} . || :");
        let found = lab.sh(&written);
        let below = TARGET.trim_start_matches('~');
        let kept: Vec<_> = found.lines().collect();
        match host {
            "client" => assert!(
                kept.len() == 1 && kept[0].ends_with(&format!("{below}/work/client/token")),
                "{found}"
            ),
            _ => assert_eq!(kept, [""; 0], "{host}"),
        }
        assert_eq!(lab[host].sh(&format!("grep -rl {TOKEN} /tmp /run || :")), "", "{host}");
    }
}

/// What the coordinator says and an agent may have to wait for, in order.
fn questions(frames: &[Frame]) -> Vec<String> {
    let names = frames.iter().filter_map(Frame::name);
    names.filter(|name| !["Heartbeat", "Content"].contains(&&**name)).collect()
}

#[test]
fn the_number_of_round_trips_does_not_depend_on_the_number_of_components() {
    let lab = Lab::start(1);
    lab["host1"].slow(Duration::from_millis(200));
    let project = project();
    project.write("assets/src/page.j2", "{{ host.name }}\n");
    let deploy = |count: usize, name: &str| {
        project.environment(format!(
            "[environment]\nkeep_connections = \"5m\"\n\
             [hosts.host1]\ncomponents = [\"many\", \"page\"]\n\
             [components.many]\ncount = {count}\n"
        ));
        tapped(&project, &lab, name)
    };
    let expected = ["HandOver", "Start", "Start", "Goodbye"];
    let mut said = Vec::new();
    for (count, name) in [(5, "few"), (200, "many"), (200, "none"), (5, "fewer")] {
        let heard = deploy(count, name);
        let to_agent = heard("host1", "to-agent");
        assert_eq!(questions(&to_agent), expected, "{name}");
        // What the agent asks for, it asks for at once.
        let from_agent = heard("host1", "from-agent");
        let asked: Vec<_> = from_agent.iter().filter_map(Frame::name).collect();
        let count_of = |name: &str| asked.iter().filter(|asked| *asked == name).count();
        assert_eq!(count_of("Need"), usize::from(name == "few"), "{name}");
        assert_eq!((count_of("Hello"), count_of("Ready"), count_of("Done")), (1, 1, 2), "{name}");
        said.push(to_agent.iter().map(Frame::len).sum::<usize>());
    }
    let [few, many, _, _] = said[..] else { unreachable!("four deployments") };
    assert!(many > few, "the hand-over of more components is not longer: {said:?}");

    // The content of an asset is sent in one go.
    project.write("assets/src/bulk", noise(4));
    lab["host1"].write(togusa_tests::lab_subject::GATE, "");
    project.environment("[hosts.host1]\ncomponents = [\"bulk\"]\n");
    let heard = tapped(&project, &lab, "bulk");
    assert_eq!(questions(&heard("host1", "to-agent")), ["HandOver", "Start", "Goodbye"]);
    let pieces = heard("host1", "to-agent").iter().filter(|frame| !frame.is_message()).count();
    assert!(pieces >= 16, "{pieces} pieces");
}
