//! Commands on local hosts, which run as they do on others.

use std::fs;
use std::sync::Mutex;

use super::*;

struct Ran {
    ended: Ended,
    out: String,
    err: String,
}

fn run(home: &Path, words: &[&str], lifelines: &Lifelines, heard: &(dyn Fn(&str) + Sync)) -> Ran {
    let command: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
    let host = Host::local("here", "t");
    let execution = Execution { command: &command, login: false, connections: None, home };
    let printed = Mutex::new([Vec::new(), Vec::new()]);
    let hear = |_: &HostName, stream: Stream, bytes: &[u8]| {
        printed.lock().unwrap()[stream as usize].extend_from_slice(bytes);
        heard(&String::from_utf8_lossy(bytes));
    };
    let mut ended = execution.run(&[&host], lifelines, &hear, &|_, _| {});
    let printed = printed.into_inner().unwrap();
    let [out, err] = printed.map(|bytes| String::from_utf8(bytes).unwrap());
    Ran { ended: ended.remove("here").unwrap(), out, err }
}

fn simply(words: &[&str]) -> Ran {
    let home = tempfile::tempdir().unwrap();
    run(home.path(), words, &Lifelines::default(), &|_| {})
}

#[test]
fn every_argument_arrives_as_it_is() {
    let odd = ["", " a  b ", "it's \"$HOME\"", "`id` $(id) \\\\ !x *", "two\nlines\n\n", "-n", "ü"];
    let format = "%s|".to_owned();
    let words: Vec<_> = ["printf", &format].into_iter().chain(odd).collect();
    let ran = simply(&words);
    assert_eq!(ran.out, odd.map(|word| format!("{word}|")).concat());
    assert_eq!((ran.ended, ran.err.as_str()), (Ok(0), ""));
}

#[test]
fn streams_are_apart_and_the_exit_code_is_the_commands() {
    let ran = simply(&["sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!((ran.ended, ran.out.as_str(), ran.err.as_str()), (Ok(7), "out\n", "err\n"));
    assert_eq!(simply(&["sh", "-c", "kill -KILL $$"]).ended, Ok(137));
}

#[test]
fn what_is_no_program_is_not_run_by_the_shell_either() {
    let ran = simply(&["no-such-program"]);
    assert!(ran.ended == Ok(127) && ran.err.contains("no-such-program"), "{}", ran.err);
    assert_eq!(simply(&["exit", "3"]).ended, Ok(127));
}

#[test]
fn a_command_reads_nothing_and_runs_at_home() {
    let ran = simply(&["sh", "-c", "cat; pwd"]);
    let home = system::variable("HOME").unwrap();
    assert_eq!(fs::canonicalize(ran.out.trim()).unwrap(), fs::canonicalize(home).unwrap());
}

#[test]
fn a_command_that_nobody_wants_any_more_is_ended() {
    let home = tempfile::tempdir().unwrap();
    let lifelines = Lifelines::default();
    let script = "trap 'echo ended; exit 5' TERM; echo up; while :; do sleep 0.05; done";
    let cut = |heard: &str| {
        if heard.contains("up") {
            lifelines.cut();
        }
    };
    let ran = run(home.path(), &["sh", "-c", script], &lifelines, &cut);
    assert_eq!((ran.ended, ran.out.as_str()), (Ok(5), "up\nended\n"));
}

#[test]
fn a_command_that_does_not_want_to_end_is_killed() {
    let home = tempfile::tempdir().unwrap();
    let lifelines = Lifelines::default();
    let script = "trap '' TERM; echo up; while :; do sleep 0.05; done";
    let cut = |heard: &str| {
        if heard.contains("up") {
            lifelines.cut();
        }
    };
    let ran = run(home.path(), &["sh", "-c", script], &lifelines, &cut);
    assert_eq!(ran.ended, Ok(137));
}

#[test]
fn after_the_cut_nothing_is_started() {
    let home = tempfile::tempdir().unwrap();
    let lifelines = Lifelines::default();
    lifelines.cut();
    let ran = run(home.path(), &["echo", "up"], &lifelines, &|_| {});
    assert_eq!(
        (ran.ended.unwrap_err().message.as_str(), ran.out.as_str()),
        ("the command was not started", "")
    );
}

#[test]
fn another_user_is_asked_for_by_sudo_unless_the_login_user_is_wanted() {
    let home = Path::new("/");
    let mut host = Host::local("web1", "t");
    (host.connect, host.service_user) = (Connect::Ssh, Some("app".to_owned()));
    let start = |login, host: &Host| {
        let execution = Execution { command: &[], login, connections: None, home };
        execution.shell(host).join(" ")
    };
    let shell = r#"sh -c 'IFS= read -r l && eval "$l"'"#;
    assert_eq!(start(false, &host), format!("exec sudo -n -H -u app -- {shell}"));
    assert_eq!(start(true, &host), format!("exec {shell}"));
    host.sudo = true;
    assert_eq!(start(false, &host), format!("exec sudo -n -H -u root -- {shell}"));
}
