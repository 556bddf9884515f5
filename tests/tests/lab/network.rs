use std::time::{Duration, Instant};

use togusa_tests::lab::{HostSpec, Lab, LabSpec};

use crate::{ssh, ssh_with, wait_until};

/// Prints `tick` for every line that it is sent.
const ECHO: &str = "while read line; do echo $line; done";

#[test]
fn a_cut_line_tells_nobody_and_goes_on_when_it_is_restored() {
    let lab = Lab::start(2);
    let host = &lab["host1"];
    let open = lab.command("ssh").args(["host1", "while :; do echo tick; sleep 0.1; done"]).spawn();
    open.wait_until_printed("tick");
    host.cut();
    let failed = ssh_with(&lab, &["ConnectTimeout=10"], "host1", "true").failed();
    assert!(failed.contains("No route to host"), "{failed}");
    ssh(&lab, "host2", "true").succeeded();
    assert!(open.is_running(), "the connection heard of the cut: {}", open.stderr());
    let before = open.stdout().len();
    host.restore();
    wait_until("more output", || open.stdout().len() > before);
    ssh(&lab, "host1", "true").succeeded();
}

#[test]
fn a_refusing_host_resets_new_connections_and_keeps_open_ones() {
    let lab = Lab::start(1);
    let open = lab.command("ssh").args(["host1", "while :; do echo tick; sleep 0.1; done"]).spawn();
    open.wait_until_printed("tick");
    lab["host1"].refuse();
    let failed = ssh(&lab, "host1", "true").failed();
    assert!(failed.contains("Connection refused"), "{failed}");
    let before = open.stdout().len();
    wait_until("more output", || open.stdout().len() > before);
    lab["host1"].restore();
    ssh(&lab, "host1", "true").succeeded();
}

#[test]
fn dropped_packets_are_a_silence() {
    let lab = Lab::start(1);
    lab["host1"].drop_packets();
    let failed = ssh_with(&lab, &["ConnectTimeout=1"], "host1", "true").failed();
    assert!(failed.contains("Connection timed out"), "{failed}");
    lab["host1"].restore();
    ssh(&lab, "host1", "true").succeeded();
}

#[test]
fn a_slow_line_takes_its_time_for_each_round_trip_and_changes_nothing_else() {
    let lab = Lab::start(1);
    let host = &lab["host1"];
    host.slow(Duration::from_millis(200));
    let start = Instant::now();
    let sent = "x".repeat(1_000_000);
    let got = lab.command("ssh").args(["host1", "cat"]).input(sent.clone()).output().succeeded();
    assert!(got == sent, "{} bytes came back", got.len());
    // The opening of a TCP connection, banner, key exchange, login and session.
    let least = Duration::from_millis(5 * 200);
    assert!(start.elapsed() > least, "{:?}", start.elapsed());

    let open = lab.command("ssh").args(["host1", "echo up; exec sleep 1000"]).spawn();
    open.wait_until_printed("up");
    host.fast();
    open.wait().failed();
    assert_eq!(lab.sh("getent hosts host1 | cut -d' ' -f1"), format!("{}\n", host.address()));
    ssh(&lab, "host1", "true").succeeded();
    host.slow(Duration::from_millis(20));
    ssh(&lab, "host1", "true").succeeded();
}

#[test]
fn a_host_behind_others_is_reached_through_them_alone() {
    let lab = Lab::start([
        HostSpec::new("inner").behind("gate"),
        HostSpec::new("gate"),
        HostSpec::new("innermost").behind("inner"),
    ]);
    for name in ["inner", "innermost"] {
        assert!(lab[name].is_behind());
        assert_eq!(ssh(&lab, name, "hostname").succeeded(), format!("{name}\n"));
        let failed = ssh_with(&lab, &["ProxyJump=none"], name, "true").failed();
        assert!(failed.contains("Network is unreachable"), "{failed}");
    }
    lab["gate"].refuse();
    let failed = ssh(&lab, "innermost", "true").failed();
    assert!(failed.contains("Connection refused"), "{failed}");
}

#[test]
fn the_traffic_of_a_host_is_counted() {
    let lab = Lab::start(2);
    let before = lab["host1"].traffic();
    let other = lab["host2"].traffic();
    lab.command("ssh").args(["host1", "cat >/dev/null"]).input("x".repeat(500_000)).output();
    let received = lab["host1"].traffic().received - before.received;
    assert!((500_000..700_000).contains(&received), "{received} bytes");
    assert!(lab["host2"].traffic().received - other.received < 10_000);
}

#[test]
fn a_control_master_of_the_user_is_kept_open() {
    let lab = Lab::start(LabSpec::from(1).control_master());
    let pid = "echo $PPID";
    let first = ssh(&lab, "host1", pid).succeeded();
    assert_eq!(ssh(&lab, "host1", pid).succeeded(), first, "two connections were made");
    let masters = lab.processes_with("[mux]");
    assert_eq!(masters.len(), 1, "{:?}", lab.processes());

    lab.command("ssh").args(["-O", "exit", "host1"]).output().succeeded();
    wait_until("the end of the master", || lab.processes().is_empty());
    assert_ne!(ssh(&lab, "host1", pid).succeeded(), first);
    assert_eq!(lab.sh("ssh -G host1 | grep ^controlmaster"), "controlmaster auto\n");
}

#[test]
fn a_test_can_use_the_network_of_a_host_itself() {
    let lab = Lab::start(1);
    let host = &lab["host1"];
    let listener = host.inside(|| std::net::TcpListener::bind((host.address(), 8080)).unwrap());
    let open = lab.command("bash").args(["-c", "exec 3<>/dev/tcp/host1/8080; cat <&3"]).spawn();
    let (mut connection, _) = listener.accept().unwrap();
    std::io::Write::write_all(&mut connection, ECHO.as_bytes()).unwrap();
    drop(connection);
    assert_eq!(open.wait().succeeded(), ECHO);
}
