//! Disks that are full.

use togusa_core::event::Outcome;
use togusa_tests::lab::{HostSpec, Lab};

use crate::hosts::{log, open_gates, times};
use crate::{noise, project};

#[test]
fn a_disk_that_fills_up_while_an_asset_arrives_fails_its_host_with_path_and_cause() {
    let lab = Lab::start([HostSpec::new("full").small("/store", 64), HostSpec::new("other")]);
    let project = project();
    project.write("assets/src/bulk", noise(40));
    project.environment(
        "[environment]\nstore = \"/store/kept\"\n\
         [hosts.full]\ncomponents = [\"bulk\"]\n[hosts.other]\ncomponents = [\"bulk\"]\n",
    );
    open_gates(lab.hosts());
    let host = &lab["full"];
    host.sh("head -c 30M /dev/zero >/store/ballast");
    let ran = project.deploy(&lab).expect(1);
    assert_eq!(ran.failed_hosts(), ["full"]);
    let problem = ran.host_problem("full");
    for part in ["`/store/kept/assets`", "No space left on device", "hint: "] {
        assert!(problem.contains(part), "no {part:?} in {problem}");
    }
    assert_eq!(*ran.outcome("bulk@other"), Outcome::Converged);
    assert_eq!(host.sh("find /store/kept/assets -type f"), "");

    host.sh("rm /store/ballast");
    project.deploy(&lab).expect(0);
    assert_eq!(log(host), ["bulk"]);
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
}

#[test]
fn a_disk_that_fills_up_while_a_file_is_written_fails_its_root_and_leaves_the_old_file() {
    let lab = Lab::start([HostSpec::new("full").small("/data", 8), HostSpec::new("other")]);
    let project = project();
    let environment = |text: &str| {
        project.environment(format!(
            "[hosts.full]\ncomponents = [\"big\", \"aside\"]\n[hosts.other]\ncomponents = [\"big\"]\n\
             [components.big]\npath = \"/data/big\"\nkilobytes = 2048\ntext = \"{text}\"\n"
        ));
    };
    lab["other"].sh("mkdir /data");
    environment("v1");
    project.deploy(&lab).expect(0);
    let host = &lab["full"];
    let before = host.read("/data/big");

    host.sh("head -c 5M /dev/zero >/data/ballast");
    environment("v2");
    let ran = project.deploy(&lab).expect(1);
    assert_eq!(*ran.outcome("big@full"), Outcome::Failed);
    let problem = ran.problem("big@full");
    for part in ["Big > File(\"/data/big\")", "`/data/big`", "No space left on device"] {
        assert!(problem.contains(part), "no {part:?} in {problem}");
    }
    for root in ["aside@full", "big@other"] {
        assert_eq!(*ran.outcome(root), Outcome::Converged, "{root}");
    }
    assert!(host.read("/data/big") == before, "the old file is not what it was");
    assert_eq!(host.sh("ls -A /data"), "ballast\nbig\n");

    host.sh("rm /data/ballast");
    project.deploy(&lab).expect(0);
    assert!(host.read("/data/big").starts_with("v2 "));
    assert_eq!(times(host, "reload"), 2);
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
}
