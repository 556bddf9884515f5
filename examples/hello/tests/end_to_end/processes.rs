//! What only shows while processes run: locks, signals, hangs, what lies in the way.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::project::Project;

/// Longer than it takes; a test that comes to it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn wait_until_the_build_has_ended(project: &Project) {
    let start = Instant::now();
    while let left @ [_, ..] = &project.processes_of_build()[..] {
        assert!(start.elapsed() < PATIENCE, "processes {left:?} still run");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_second_deployment_is_told_who_holds_the_lock() {
    let project = Project::new();
    project.block_build();
    let running = project.start_and_wait();

    let second = project.expect(3, "deploy dev");
    insta::assert_snapshot!(second.err, @r#"
    deploying `hello` to `dev`: 2 roots on 1 host
    localhost  error[T0501]: another deployment holds the lock of `[tmp]/home/deployment/hello/dev`: jo@[host], process [pid], for [time] s, now updating site: Site > Command("build")
      hint: wait until it is done, or use `--wait`
    localhost  2 roots  0 current  0 changed  2 failed  [time] s  (locked)
    failed: another deployment holds the lock of `localhost`
    hello explain T0501 tells more
    "#);
    let plan = project.expect(0, "plan dev");
    assert!(plan.err.contains("warning"), "{}", plan.err);

    project.unblock_build();
    assert_eq!(running.end().code, Some(0));
}

#[test]
fn ctrl_c_lets_the_running_update_end_and_the_next_run_does_the_rest() {
    let project = Project::new();
    project.block_build();
    let mut running = project.start_and_wait();
    running.signal(Signal::SIGINT);
    let note = running.note();
    assert_eq!(note, "stopping after the running updates; press Ctrl-C again to kill them\n");
    project.unblock_build();
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{}", ran.err);
    // The request may have reached the agent before or after its last update.
    let published = project.site("current").exists();

    let next = project.expect(0, "deploy dev");
    let triggered = next.err.contains("triggered by Site > Command(\"build\")");
    assert_ne!(triggered, published, "{}", next.err);
    assert!(project.site("current").exists());
}

#[test]
fn a_second_ctrl_c_kills_the_running_command() {
    let project = Project::new();
    project.block_build();
    let mut running = project.start_and_wait();
    running.signal(Signal::SIGINT);
    running.note();
    running.signal(Signal::SIGINT);
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{}", ran.err);
    insta::assert_snapshot!(project.filtered(&ran.err), @"killing the running updates; press Ctrl-C again to leave at once");
    wait_until_the_build_has_ended(&project);
}

#[test]
fn whoever_leaves_by_a_third_ctrl_c_leaves_no_command_behind() {
    let project = Project::new();
    project.block_build();
    let mut running = project.start_and_wait();
    for _ in 0..2 {
        running.signal(Signal::SIGINT);
        running.note();
    }
    running.signal(Signal::SIGINT);
    assert_eq!(running.end().code, Some(130));
    wait_until_the_build_has_ended(&project);
}

#[test]
fn a_terminal_that_is_closed_lets_the_running_update_end() {
    let project = Project::new();
    project.block_build();
    // This test itself may run below `nohup`, whose children ignore the signal.
    let mut running = project.start_below("env", &["--default-signal=HUP"]);
    // Told by the system, and by the shell.
    running.signal(Signal::SIGHUP);
    assert!(running.note().starts_with("stopping after the running updates"));
    running.signal(Signal::SIGHUP);
    project.unblock_build();
    assert_eq!(running.end().code, Some(130));
    assert!(project.site("public/checksums").exists());
}

#[test]
fn below_nohup_a_terminal_that_is_closed_does_not_matter() {
    let project = Project::new();
    project.block_build();
    let running = project.start_below("nohup", &[]);
    running.signal(Signal::SIGHUP);
    project.unblock_build();
    assert_eq!(running.end().code, Some(0));
    assert!(project.site("current").exists());
}

#[test]
fn after_a_kill_the_next_run_does_what_was_triggered() {
    let project = Project::new();
    project.block_build();
    let running = project.start_and_wait();
    running.signal(Signal::SIGKILL);
    assert_eq!(running.end().code, None);
    // The command outlived its deployment; the next one must not run beside it.
    project.unblock_build();

    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/site/src/build.sh"),
        project.path("site/src/build.sh"),
    )
    .unwrap();
    project.expect(0, "deploy dev");
    assert!(project.site("current/index.html").exists());
    let second = project.expect(0, "deploy dev");
    assert!(second.err.contains("nothing to do"), "{}", second.err);
}

#[test]
fn a_command_that_hangs_is_ended_and_shown() {
    let project = Project::new();
    project.block_build();
    project.extend("timeout = \"200ms\"");
    let ran = project.expect(1, "deploy dev --no-diff");
    let failed = ran.err.find("localhost  Site > Command").unwrap();
    insta::assert_snapshot!(&ran.err[failed..], @r#"
    localhost  Site > Command("build")
      + create `[tmp]/home/deployment/hello/dev/work/site/public/checksums`
      error[T0606]: update failed: command `sh build.sh index.html sitemap.txt` hung: it was killed after [time] s
    localhost  2 roots  1 current  10 changed  1 failed  [time] s
    localhost  Site > Command("build")
      error[T0606]: update failed
        1: command `sh build.sh index.html sitemap.txt` hung: it was killed after [time] s
        2: in directory `[tmp]/home/deployment/hello/dev/work/site` as user `[user]`
        3: stdout ends with:
                | waiting
    failed: 1 root failed
    hello explain T0606 tells more
    "#);
}

#[test]
fn a_command_that_fails_is_shown_with_its_last_words() {
    let project = Project::new();
    project.write("site/src/build.sh", "echo begun\necho no room >&2\nexit 3\n");
    let ran = project.expect(1, "deploy dev --no-diff");
    let failed = ran.err.find("localhost  Site > Command").unwrap();
    insta::assert_snapshot!(&ran.err[failed..], @r#"
    localhost  Site > Command("build")
      + create `[tmp]/home/deployment/hello/dev/work/site/public/checksums`
      error[T0605]: update failed: command `sh build.sh index.html sitemap.txt` exited with 3 after [time] s
    localhost  2 roots  1 current  10 changed  1 failed  [time] s
    localhost  Site > Command("build")
      error[T0605]: update failed
        1: command `sh build.sh index.html sitemap.txt` exited with 3 after [time] s
        2: in directory `[tmp]/home/deployment/hello/dev/work/site` as user `[user]`
        3: stderr ends with:
                | no room
        4: stdout ends with:
                | begun
    failed: 1 root failed
    hello explain T0605 tells more
    "#);
}

#[test]
fn a_target_directory_that_is_a_file() {
    let project = Project::new();
    fs::create_dir_all(project.home("deployment/hello")).unwrap();
    fs::write(project.home("deployment/hello/dev"), "").unwrap();
    let ran = project.expect(1, "deploy dev");
    insta::assert_snapshot!(ran.err, @r"
    deploying `hello` to `dev`: 2 roots on 1 host
    localhost  error[T0504]: target directory `[tmp]/home/deployment/hello/dev` is not a directory
      hint: set another `target_directory`, or remove what stands there
    localhost  2 roots  0 current  0 changed  2 failed  [time] s  (host failed)
    failed: `localhost` dropped out
    hello explain T0504 tells more
    ");
}
