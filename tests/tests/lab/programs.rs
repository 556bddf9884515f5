use togusa_tests::lab::{Lab, Signal};

use crate::wait_until;

#[test]
fn signals_reach_the_very_program() {
    let lab = Lab::start(0);
    let state = |pid: i32| {
        let mut found = lab.processes();
        found.retain(|process| process.pid == pid);
        found.pop().map(|process| process.state)
    };
    let program = lab.command("sleep").arg("1000").spawn();
    assert_eq!(lab.processes_with("sleep 1000")[0].pid, program.pid());
    program.signal(Signal::SIGSTOP);
    wait_until("the stop", || state(program.pid()) == Some('T'));
    program.signal(Signal::SIGCONT);
    wait_until("the continuation", || state(program.pid()) == Some('S'));
    let output = program.kill();
    assert_eq!(output.code(), None);
    assert!(lab.processes().is_empty(), "{:?}", lab.processes());
    program.signal(Signal::SIGKILL);

    let script = "trap 'echo interrupted; exit 130' INT; echo up; while :; do sleep 0.01; done";
    let program = lab.command("sh").args(["-c", script]).own_group().spawn();
    program.wait_until_printed("up");
    program.signal_group(Signal::SIGINT);
    let output = program.wait();
    assert_eq!((output.code(), &*output.stdout), (Some(130), "up\ninterrupted\n"));
}

#[test]
fn a_program_gets_its_input_its_variables_and_its_directory() {
    let lab = Lab::start(0);
    let here = tempfile::tempdir().unwrap();
    let mut program = lab.command("sh");
    program.args(["-c", "cat; echo $WHAT; pwd; echo told >&2; exit 3"]);
    let output = program.input("in\n").env("WHAT", "set").current_dir(&here).output();
    assert_eq!(output.stdout, format!("in\nset\n{}\n", here.path().display()));
    assert_eq!((output.stderr.as_str(), output.code()), ("told\n", Some(3)));
    assert_eq!(lab.sh("env | grep SSH || echo none"), "none\n");
}

#[test]
fn what_a_program_leaves_behind_is_not_waited_for() {
    let lab = Lab::start(0);
    lab.sh("sleep 1000 & echo up");
    assert_eq!(lab.processes_with("sleep 1000").len(), 1);
}

#[test]
fn a_program_that_is_dropped_is_killed() {
    let lab = Lab::start(0);
    drop(lab.command("sleep").arg("1000").spawn());
    assert!(lab.processes().is_empty(), "{:?}", lab.processes());
}

#[test]
#[should_panic(expected = "cannot start \"no-such-program\"")]
fn a_program_that_is_missing_is_named() {
    Lab::start(0).command("no-such-program").output();
}

#[test]
#[should_panic(expected = "said\n")]
fn a_script_that_fails_shows_what_it_said() {
    Lab::start(0).sh("echo said; false; echo not said");
}
