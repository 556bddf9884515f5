//! Connections that break, hosts that are silent, and two who push at once.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use togusa_core::problem::{Problem, code};

use super::host::{Host, SHS, agent};
use crate::push::{AgentBinary, PUSH, Start, StartError, converse, one_line};

#[test]
fn an_upload_that_breaks_leaves_nothing() {
    for sh in SHS {
        let host = Host::new(&["dash", "-c"]).with_first("sh", sh);
        let agent = agent("whole", 300_000);
        let half = agent.compressed.len() / 2;
        let whole = agent.compressed.len();
        for (sent, nobody_hears) in
            [(0, false), (1, false), (half, false), (half, true), (whole - 1, false)]
        {
            let mut child = host.spawn(&host.start(&agent));
            let mut stdin = child.stdin.take().unwrap();
            writeln!(stdin, "{}\n{} {whole}", one_line(PUSH), agent.digest).unwrap();
            stdin.write_all(&agent.compressed[..sent]).unwrap();
            let mut stdout = child.stdout.take();
            if nobody_hears {
                stdout = None;
            }
            drop(stdin);
            if let Some(mut stdout) = stdout {
                let mut said = String::new();
                stdout.read_to_string(&mut said).unwrap();
                assert!(said.contains(" fail write "), "{sh}: {said}");
            }
            assert!(!child.wait().unwrap().success(), "{sh}: {sent}");
            assert_eq!(host.kept(), [""; 0], "{sh}: {sent}");
        }
        host.talk(&host.start(&agent), &agent).assert_pushed(&agent);
    }
}

#[test]
fn two_pushes_at_once_do_no_harm() {
    let host = Host::new(&["dash", "-c"]);
    let agent = agent("both", 300_000);
    // The second one comes and goes between the question of the first one and its answer.
    let outer = host.talk_within(&host.start(&agent), Duration::from_secs(60), &mut |_| {
        let inner = host.talk(&host.start(&agent), &agent);
        inner.assert_runs("both", &agent);
        inner.assert_pushed(&agent);
        Ok(Arc::new(agent.clone()))
    });
    outer.assert_runs("both", &agent);
    outer.assert_pushed(&agent);
    assert_eq!(host.kept(), [agent.digest.as_str()]);

    let others = Host::new(&["dash", "-c"]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                others.talk(&others.start(&agent), &agent).assert_runs("both", &agent);
            });
        }
    });
    assert_eq!(others.kept(), [agent.digest.as_str()]);
}

#[test]
fn a_host_that_is_silent_is_given_up() {
    let host = Host::new(&["sh", "-c", "exec sleep 1000", "sh"]);
    let agent = agent("unheard", 0);
    let talk = host.talk_within(&host.start(&agent), Duration::from_millis(50), &mut |_| {
        panic!("nobody asked")
    });
    assert!(matches!(talk.said, Err(StartError::Silent)), "{talk:?}");
}

#[test]
fn a_host_that_prints_without_our_word_is_given_up() {
    let host = Host::new(&["sh", "-c", "echo hello; exec sleep 1000", "sh"]);
    let agent = agent("unheard", 0);
    let talk = host.talk_within(&host.start(&agent), Duration::from_millis(50), &mut |_| {
        panic!("nobody asked")
    });
    assert!(matches!(talk.said, Err(StartError::Silent)), "{talk:?}");
}

#[test]
fn a_host_for_which_there_is_no_binary_is_left_alone() {
    let host = Host::new(&["dash", "-c"]);
    let agent = agent("none", 0);
    let none = Problem::new(code::PREPARED_MISSING, "no binary");
    let talk =
        host.talk_within(&host.start(&agent), Duration::from_secs(60), &mut |_| Err(none.clone()));
    assert!(matches!(&talk.said, Err(StartError::Binary(problem)) if *problem == none));
    assert_eq!((talk.exit, &*talk.stderr), (Some(1), ""));
    assert!(!host.store().exists());
}

#[test]
fn a_host_that_dies_while_it_is_sent_the_agent_ends_the_talk() {
    let (host, start, agent) = host_that("echo dying; kill -9 $$");
    let talk = host.talk(&start, &agent);
    let Err(StartError::Ended { printed }) = &talk.said else { panic!("{talk:?}") };
    assert_eq!(printed, "dying");
    assert!(talk.sent < agent.compressed.len(), "{}", talk.sent);
}

/// A host that asks for the agent, hears how it is pushed, and then does what is given.
fn host_that(does: &str) -> (Host, Start, AgentBinary) {
    let host = Host::new(&["sh", "-c", &format!("echo TAG need x y z; read -r _; {does}")]);
    let agent = AgentBinary { digest: "x".into(), ..agent("unsent", 3_000_000) };
    let start = Start { tag: "TAG".into(), ..host.start(&agent) };
    (host, start, agent)
}

#[test]
fn a_host_that_fails_is_heard_though_it_reads_no_more() {
    let (host, start, agent) =
        host_that("sleep 0.2; echo TAG fail write No space left on device; exec sleep 1000");
    let mut child = host.spawn(&start);
    let result = converse(
        "TAG",
        child.stdout.take().unwrap(),
        child.stdin.take().unwrap(),
        Duration::from_secs(60),
        &mut |_| Ok(Arc::new(agent.clone())),
        &mut |_| {},
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let Err(StartError::Refused(problem)) = result else { panic!("not refused") };
    assert!(problem.to_string().contains("No space left on device"), "{problem}");
}

#[test]
fn a_host_that_fails_is_heard_though_it_hung_up_before() {
    let (host, start, agent) =
        host_that("exec <&-; sleep 0.2; echo TAG fail write No space left on device");
    let refused = host.talk(&start, &agent).refused();
    assert!(refused.contains("No space left on device"), "{refused}");
}

#[test]
fn words_that_have_no_meaning_are_refused() {
    for does in ["echo TAG hello world", "echo TAG need x y z"] {
        let (host, start, agent) = host_that(&format!("exec <&-; {does}"));
        let refused = host.talk(&start, &agent).refused();
        assert!(refused.contains(does.strip_prefix("echo TAG ").unwrap()), "{refused}");
    }
}
