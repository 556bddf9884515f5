//! A large asset: its memory, its way over the line, its arrival.

use togusa_core::digest::Digest;
use togusa_tests::lab::Lab;

use crate::hosts::{TARGET, agents, close_gates, open_gates, sizes, unfinished, wait_until};
use crate::{noise, project};

/// The size of the asset, in megabytes.
const MEGABYTES: usize = 200;

/// The most memory that a process ever had, in megabytes.
fn peak(pid: i32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.split_whitespace().next()).unwrap();
    kilobytes.parse::<usize>().unwrap() / 1024
}

#[test]
fn an_asset_of_200_mb_is_streamed_and_one_that_is_cut_short_is_not_taken_for_whole() {
    let lab = Lab::start(1);
    let host = &lab["host1"];
    let project = project();
    let content = noise(MEGABYTES);
    project.write("assets/src/bulk", &content);
    project.environment("[hosts.host1]\ncomponents = [\"bulk\"]\n");

    let run = project.start(&lab);
    wait_until("half of the asset", || sizes(host, "assets").iter().any(|size| *size > 20_000_000));
    host.kill_sshd_sessions();
    let ran = run.end().expect(1);
    assert_eq!(ran.failed_hosts(), ["host1"]);
    wait_until("the end of the agent", || agents(host).is_empty());
    assert_eq!(sizes(host, "assets"), [0; 0], "a part of the asset is there");
    assert!(!host.exists(&format!("{TARGET}/work/bulk/bulk")));

    close_gates([host]);
    let run = project.start(&lab);
    run.wait_for_gates(&["host1"]);
    let (coordinator, agent) = (peak(run.running.pid()), peak(agents(host)[0].pid));
    assert!(coordinator < MEGABYTES / 3, "the coordinator had {coordinator} MB");
    assert!(agent < 32, "the agent had {agent} MB");
    open_gates([host]);
    run.end().expect(0);
    let arrived = host.sh(&format!("sha256sum <{TARGET}/work/bulk/bulk"));
    assert_eq!(arrived, format!("{}  -\n", Digest::of(&content)));
    assert_eq!(unfinished(host), [""; 0]);

    let before = host.traffic().received;
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
    let received = host.traffic().received - before;
    assert!(received < 40_000, "{received} bytes were sent for nothing");
}
