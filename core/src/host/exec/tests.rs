use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::Instant;

use super::*;
use crate::event::{Event, Stream};
use crate::host::site::tests::{TestSite, wait_until};
use crate::problem::Problem;

/// Long enough that a test which waits for it has failed.
const FOREVER: Duration = Duration::from_secs(30);

fn output_events(test: &TestSite) -> Vec<(Stream, String)> {
    let events = test.events.lock().unwrap();
    let outputs = events.iter().map(|event| match event {
        Event::Output { stream, text, .. } => (*stream, text.clone()),
        other => panic!("not an output: {other:?}"),
    });
    outputs.collect()
}

fn pid_in(test: &TestSite, name: &str) -> i32 {
    let mut pid = None;
    wait_until("the command has written its process id", || {
        pid = fs::read_to_string(test.file(name)).ok().and_then(|text| text.trim().parse().ok());
        pid.is_some()
    });
    pid.unwrap()
}

fn is_alive(pid: i32) -> bool {
    process::Process::get(pid).is_some_and(|process| process.is_alive())
}

#[test]
fn a_command_shows_as_a_shell_would_read_it() {
    let exec = Exec::new("echo").args(["a b", "it's", "", "x=1"]);
    assert_eq!(exec.to_string(), r"echo 'a b' 'it'\''s' '' x=1");
    assert_eq!(Exec::shell("true\nfalse").short(&Default::default()), "sh -c 'true …");
    let secret = exec.env("PASSWORD", "hunter2").stdin("hunter2").sensitive();
    assert_eq!(secret.to_string(), "echo [sensitive]");
    assert!(!format!("{secret:?}").contains("hunter2"));
}

#[test]
fn output_is_kept_and_streamed_line_by_line() {
    let test = TestSite::new();
    let exec = Exec::shell("echo one; echo two; printf three; echo oops >&2");
    let output = test.machine().run(&exec).unwrap();

    assert_eq!(output.stdout_text(), "one\ntwo\nthree");
    assert_eq!(output.stderr_text(), "oops\n");
    let events = output_events(&test);
    let of = |wanted: Stream| -> Vec<&str> {
        let of = events.iter().filter(|(stream, _)| *stream == wanted);
        of.map(|(_, text)| text.as_str()).collect()
    };
    assert_eq!(of(Stream::Stdout), ["one", "two", "three"]);
    assert_eq!(of(Stream::Stderr), ["oops"]);
}

#[test]
fn queries_and_sensitive_commands_stream_nothing() {
    let test = TestSite::new();
    assert_eq!(test.probe().query(&Exec::shell("echo a")).unwrap().stdout, b"a\n");
    assert_eq!(test.machine().run(&Exec::shell("echo a").sensitive()).unwrap().stdout, b"a\n");
    assert_eq!(output_events(&test), []);
}

#[test]
fn a_line_without_end_is_shown_in_pieces_of_whole_characters() {
    let test = TestSite::new();
    let line = "é".repeat(100_000);
    test.machine().run(&Exec::new("cat").stdin(format!("x{line}"))).unwrap();
    let shown: String = output_events(&test).into_iter().map(|(_, text)| text).collect();
    assert_eq!(shown, format!("x{line}"));
    assert!(output_events(&test).len() > 1);
}

#[test]
fn of_much_output_the_end_is_kept() {
    let test = TestSite::new();
    let script = "head -c 30000000 /dev/zero; echo end";
    let output = test.probe().query(&Exec::shell(script)).unwrap();
    assert_eq!(output.stdout.len(), output::KEPT);
    assert!(output.truncated && output.stdout.ends_with(b"\0end\n"));

    let exact = test.probe().query(&Exec::shell("head -c 9000000 /dev/zero")).unwrap();
    assert_eq!((exact.stdout.len(), exact.truncated), (9_000_000, false));
}

#[test]
fn reading_a_closed_standard_input_does_not_hang() {
    let test = TestSite::new();
    let output = test.machine().run(&Exec::new("cat").timeout(FOREVER)).unwrap();
    assert_eq!(output.stdout, b"");
}

#[test]
fn much_input_is_fed_while_output_comes() {
    let test = TestSite::new();
    let input = vec![b'x'; 3_000_000];
    let cat = Exec::new("cat").stdin(input.clone()).timeout(FOREVER);
    assert_eq!(test.probe().query(&cat).unwrap().stdout, input);
    let unread = Exec::new("true").stdin(input).timeout(FOREVER);
    assert_eq!(test.probe().query(&unread).unwrap().code, 0);
}

#[test]
fn the_locale_is_fixed_and_the_directory_and_variables_are_set() {
    let test = TestSite::new();
    fs::create_dir(test.file("below")).unwrap();
    let exec = Exec::shell("echo $LC_ALL ${LANG-none} $A; pwd").env("A", "b");
    let output = test.probe().query(&exec.clone().directory(&test.path("below"))).unwrap();
    let below = test.file("below").canonicalize().unwrap();
    assert_eq!(output.stdout_text(), format!("C.UTF-8 none b\n{}\n", below.display()));
    let user = test.probe().user_name(crate::system::user_id());
    assert_eq!(test.probe().query(&Exec::new("id").arg("-un").user(&user)).unwrap().code, 0);
}

#[test]
fn accepted_exit_codes_are_no_failure() {
    let test = TestSite::new();
    let exec = Exec::shell("exit 3");
    assert_eq!(test.machine().run(&exec.clone().accept([0, 3])).unwrap().code, 3);
    assert!(test.machine().run(&exec).is_err());
}

#[test]
fn a_failure_tells_directory_user_code_and_the_tails_of_both_streams() {
    let test = TestSite::new();
    let script = "seq 30; echo broken >&2; exit 3";
    let error = test.machine().run(&Exec::shell(script)).unwrap_err();
    let ExecError::Failed { failure, .. } = error.downcast_ref::<ExecError>().unwrap() else {
        panic!("{error:?}")
    };
    assert_eq!((failure.code, failure.signal), (Some(3), None));
    assert!(failure.stdout_tail.starts_with("11\n12\n") && failure.stdout_tail.ends_with("30"));

    let text = Problem::from_error(&error, crate::problem::code::COMMAND_FAILED).to_string();
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(first.starts_with(&format!("command `sh -c '{script}'` exited with 3 after ")));
    let user = test.probe().user_name(crate::system::user_id());
    let home = test.file("").display().to_string();
    let home = home.trim_end_matches('/');
    let place = format!("  1: in directory `{home}` as user `{user}`\n  2: stderr ends with:\n");
    assert!(rest.starts_with(&place), "{rest}");
    assert!(rest.contains("     | broken\n  3: stdout ends with:\n     | 11\n"), "{rest}");
}

#[test]
fn a_failure_of_a_sensitive_command_shows_no_output() {
    let test = TestSite::new();
    let exec = Exec::shell("echo hunter2; exit 1").sensitive();
    let error = test.machine().run(&exec).unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn what_cannot_be_started_is_named() {
    let test = TestSite::new();
    let run = |exec: Exec| test.probe().query(&exec).unwrap_err().to_string();
    let missing = run(Exec::new("no-such-program"));
    assert!(missing.starts_with("there is no program `no-such-program` in `/"), "{missing}");
    assert_eq!(run(Exec::new("/no/program")), "there is no program `/no/program`");
    let nowhere = run(Exec::new("true").directory(&test.path("nowhere")));
    assert!(nowhere.contains("there is no directory `"), "{nowhere}");
    fs::write(test.file("text"), "").unwrap();
    let text = test.file("text").display().to_string();
    assert_eq!(run(Exec::new(&text)), format!("cannot run `{text}`"));
}

#[test]
fn a_signal_is_named() {
    let test = TestSite::new();
    let error = test.probe().query(&Exec::shell("kill -9 $$")).unwrap_err().to_string();
    assert!(error.contains("was ended by SIGKILL after"), "{error}");
}

#[test]
fn a_timeout_ends_the_command_and_all_that_it_started() {
    let test = TestSite::new();
    let script = "(trap '' TERM; sleep 1000 & echo $! > stubborn; wait) & \
                  sleep 1000 & echo $! > child; echo begun; wait";
    let exec = Exec::shell(script).timeout(Duration::from_millis(300));
    let started = Instant::now();
    let error = test.machine().run(&exec).unwrap_err();

    assert!(started.elapsed() < FOREVER / 2, "{:?}", started.elapsed());
    let ExecError::TimedOut { failure, .. } = error.downcast_ref::<ExecError>().unwrap() else {
        panic!("{error:?}")
    };
    assert_eq!(failure.stdout_tail, "begun");
    for name in ["child", "stubborn"] {
        let pid = pid_in(&test, name);
        wait_until("all processes are gone", || !is_alive(pid));
    }
}

#[test]
fn a_command_that_ignores_to_be_asked_is_killed() {
    let test = TestSite::new();
    let exec = Exec::shell("trap '' TERM; while :; do sleep 1; done");
    let started = Instant::now();
    let error = test.probe().query(&exec.timeout(Duration::from_millis(100))).unwrap_err();
    assert!(error.to_string().contains("hung: it was killed after"), "{error}");
    assert!(started.elapsed() < FOREVER / 2);
}

#[test]
fn a_process_left_in_the_background_does_not_hang_the_run() {
    let test = TestSite::new();
    let started = Instant::now();
    let exec = Exec::shell("sleep 1000 & echo $! > child; echo started").timeout(FOREVER);
    let output = test.machine().run(&exec).unwrap();
    let elapsed = started.elapsed();
    let child = pid_in(&test, "child");
    let survived = is_alive(child);
    let _ = nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(child),
        nix::sys::signal::Signal::SIGKILL,
    );
    assert_eq!(output.stdout_text(), "started\n");
    assert!(survived, "a daemon is not ended with what started it");
    assert!(elapsed < FOREVER / 2, "{elapsed:?}");
}

#[test]
fn the_second_interruption_kills_what_runs_and_lets_nothing_start() {
    let test = TestSite::new();
    let (sender, result) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let exec = Exec::shell("echo $$ > leader; exec sleep 1000");
            sender.send(test.machine().run(&exec)).unwrap();
        });
        let leader = pid_in(&test, "leader");
        test.site.interrupt.raise();
        assert!(is_alive(leader));
        test.site.interrupt.raise();
        let error = result.recv_timeout(FOREVER).unwrap().unwrap_err();
        assert!(error.to_string().contains("because the run was interrupted"), "{error}");
        assert!(!is_alive(leader));
    });
    assert!(test.machine().run(&Exec::shell("touch ran")).is_err());
    assert!(!test.file("ran").exists());
}

#[test]
fn a_quick_command_costs_less_than_a_glance() {
    let test = TestSite::new();
    let quickest = (0..20).map(|_| test.machine().run(&Exec::new("true")).unwrap().elapsed).min();
    assert!(quickest.unwrap() < Duration::from_millis(40), "{quickest:?}");
}

#[test]
fn a_command_is_recorded_only_while_it_runs_and_a_query_never() {
    let test = TestSite::new();
    let running = test.site.running();
    let count = Exec::new("ls").arg(running.to_string_lossy());
    fs::create_dir_all(&running).unwrap();
    let names = test.machine().run(&count).unwrap().stdout_text();
    assert_eq!(names.lines().filter(|name| name.ends_with(".json")).count(), 1);
    assert_eq!(test.probe().query(&count).unwrap().stdout_text(), "");
    assert!(test.machine().run(&Exec::new("false")).is_err());
    assert!(test.machine().run(&Exec::new("no-such-program")).is_err());
    assert_eq!(fs::read_dir(running).unwrap().count(), 0);
}

/// Run by the next test in a process of its own, which is killed.
#[test]
fn a_run_that_is_killed() {
    let Some(directory) = crate::system::variable("TOGUSA_TEST_KILLED_RUN") else {
        assert_eq!(crate::system::variable("TOGUSA_TEST_KILLED_RUN"), None);
        return;
    };
    let mut test = TestSite::new();
    test.site.state = directory.into();
    let _ = test.machine().run(&Exec::new("sleep").arg("1000"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a run is killed like any process")]
fn the_next_run_finds_what_a_killed_one_left_running() {
    let test = TestSite::new();
    let running = test.site.running();
    let mut run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "host::exec::tests::a_run_that_is_killed"])
        .env("TOGUSA_TEST_KILLED_RUN", &test.site.state)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let record = || {
        let entries = fs::read_dir(&running).ok()?.flatten();
        let mut paths = entries.map(|entry| entry.path());
        let path = paths.find(|path| path.extension().is_some_and(|end| end == "json"))?;
        let record: serde_json::Value = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        record["leader_started"].is_u64().then_some((path, record))
    };
    wait_until("the command is recorded", || record().is_some());
    run.kill().unwrap();
    assert_eq!(run.wait().unwrap().signal(), Some(9));

    let (path, mut without_group) = record().unwrap();
    let found = survivors(&running).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].breadcrumb.as_str(), found[0].command.as_str()), ("App", "sleep 1000"));
    assert!(found[0].is_alive());

    let group = found[0].group;
    without_group["group"] = serde_json::Value::Null;
    let complete = fs::read(&path).unwrap();
    fs::write(&path, serde_json::to_vec(&without_group).unwrap()).unwrap();
    assert_eq!(survivors(&running).unwrap()[0].group, group, "found by its environment");

    let mut another: serde_json::Value = serde_json::from_slice(&complete).unwrap();
    another["leader_started"] = 1.into();
    fs::write(&path, serde_json::to_vec(&another).unwrap()).unwrap();
    assert_eq!(survivors(&running).unwrap(), [], "the number belongs to another process");
    assert!(!path.exists());

    fs::write(&path, complete).unwrap();
    let leader = nix::unistd::Pid::from_raw(group);
    nix::sys::signal::killpg(leader, nix::sys::signal::Signal::SIGKILL).unwrap();
    wait_until("the survivor is gone", || !found[0].is_alive());
    assert!(!path.exists());
    assert_eq!(survivors(&running).unwrap(), []);
}

#[test]
fn a_record_that_is_damaged_is_removed() {
    let test = TestSite::new();
    let running = test.site.running();
    assert_eq!(survivors(&running).unwrap(), []);
    fs::create_dir_all(&running).unwrap();
    for (name, content) in [("a.json", "{\"bread"), ("b.json", ""), ("c.new", "{}")] {
        fs::write(running.join(name), content).unwrap();
    }
    assert_eq!(survivors(&running).unwrap(), []);
    assert_eq!(fs::read_dir(running).unwrap().count(), 0);
}

#[test]
fn a_stream_that_stays_open_after_the_end_is_not_kept() {
    let capture = output::Capture::new(&std::sync::Arc::default());
    capture.read(&b"before"[..], Stream::Stdout, None);
    assert_eq!(capture.close(Stream::Stdout, None).0, b"before");
    capture.read(&b"after"[..], Stream::Stdout, None);
    assert_eq!(capture.close(Stream::Stdout, None).0, b"");
}

#[test]
fn a_secret_that_the_tail_would_cut_is_masked_whole() {
    let secrets = crate::secret::KnownSecrets::default();
    let secret = "ab\n".repeat(2 * 20);
    secrets.learn(&crate::secret::Secret::new(&secret));
    assert_eq!(output::tail(format!("x\n{secret}y\n").as_bytes(), &secrets), "x\n[secret]y");
}

/// What is shown of a stream.
pub(crate) fn shown(
    secrets: &std::sync::Arc<crate::secret::KnownSecrets>,
    stream: impl std::io::Read,
) -> Vec<String> {
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = std::sync::Arc::clone(&lines);
    let show: output::Show =
        std::sync::Arc::new(move |_, text| sink.lock().unwrap().push(text.to_owned()));
    output::Capture::new(secrets).read(stream, Stream::Stdout, Some(&show));
    std::mem::take(&mut *lines.lock().unwrap())
}
