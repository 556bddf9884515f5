//! Every login shell, every `sh`, and the programs that differ between systems.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::host::{Host, SHS, agent, which};
use crate::push::{StartError, unstarted};

const LOGIN_SHELLS: [&[&str]; 7] = [
    &["dash", "-c"],
    &["bash", "-c"],
    &["zsh", "-c"],
    &["mksh", "-c"],
    &["busybox", "sh", "-c"],
    &["fish", "-c"],
    &["tcsh", "-c"],
];

/// What a start and a push use, beside `sh` and a program that computes SHA-256.
const USED: [&str; 10] =
    ["cat", "chmod", "gzip", "head", "ls", "mkdir", "mv", "rm", "uname", "printf"];

/// All hosts that differ in their shells alone.
fn hosts() -> Vec<(String, Host)> {
    let by_login = LOGIN_SHELLS.iter().map(|login| (login.join(" "), Host::new(login)));
    let by_sh = SHS.iter().map(|sh| {
        // The agent of the tests begins with `#!/bin/sh`, which stays what it is.
        (format!("sh is {sh}"), Host::new(&["dash", "-c"]).with_first("sh", sh))
    });
    by_login.chain(by_sh).collect()
}

#[test]
fn a_host_that_lacks_the_agent_is_sent_it_and_one_that_has_it_is_not() {
    for (shell, host) in hosts() {
        let agent = agent("first", 300_000);
        let push = host.talk(&host.start(&agent), &agent);
        push.assert_runs("first", &agent);
        push.assert_pushed(&agent);
        assert_eq!(host.kept(), [agent.digest.as_str()], "{shell}");
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(host.place(&agent)), 0o700, "{shell}");
        for directory in ["store", "store/agents", "store/agents/shop"] {
            assert_eq!(mode(host.home.path().join(directory)), 0o700, "{shell}: {directory}");
        }

        let have = host.talk(&host.start(&agent), &agent);
        have.assert_runs("first", &agent);
        assert_eq!((have.asked.len(), have.progress.len()), (0, 0), "{shell}");
        // The tag and a word come, nothing but the frames goes.
        assert_eq!(have.sent, "frames".len(), "{shell}");
        assert_eq!(have.received, 32 + " have\n".len() + have.said.unwrap().len(), "{shell}");
    }
}

#[test]
fn a_host_of_another_target_is_sent_its_own_binary_once() {
    for (_, host) in hosts() {
        let (expected, other) = (agent("expected", 0), agent("other", 100_000));
        let push = host.talk(&host.start(&expected), &other);
        push.assert_runs("other", &other);
        push.assert_pushed(&other);
        assert_eq!(host.kept(), [other.digest.as_str()]);

        let have = host.talk(&host.start(&expected), &other);
        have.assert_runs("other", &other);
        assert_eq!((have.asked.len(), have.progress.len()), (1, 0));
        assert!(have.sent < 4096, "{}", have.sent);
    }
}

#[test]
fn a_binary_that_does_not_run_is_replaced_when_that_is_asked_for() {
    for (_, host) in hosts() {
        let agent = agent("mended", 1000);
        host.talk(&host.start(&agent), &agent).assert_pushed(&agent);
        fs::write(host.place(&agent), "#!/bin/sh\nexit 82\n").unwrap();
        let tampered = host.talk(&host.start(&agent), &agent);
        assert_eq!((tampered.said.unwrap(), tampered.exit), (String::new(), Some(82)));

        let mut start = host.start(&agent);
        start.replace = true;
        let replaced = host.talk(&start, &agent);
        replaced.assert_runs("mended", &agent);
        replaced.assert_pushed(&agent);
    }
}

#[test]
fn an_empty_binary_is_a_missing_one() {
    for (_, host) in hosts() {
        let agent = agent("whole", 1000);
        host.talk(&host.start(&agent), &agent).assert_pushed(&agent);
        fs::write(host.place(&agent), "").unwrap();
        host.talk(&host.start(&agent), &agent).assert_pushed(&agent);
    }
}

#[test]
fn a_banner_may_stand_before_our_words() {
    for login in LOGIN_SHELLS {
        let print = "printf 'Welcome\\nlast login: ha'; exec \"$@\"";
        let host = Host::new(&[&["sh", "-c", print, "sh"], login].concat());
        let agent = agent("greeted", 1000);
        let push = host.talk(&host.start(&agent), &agent);
        push.assert_runs("greeted", &agent);
        push.assert_pushed(&agent);
        host.talk(&host.start(&agent), &agent).assert_runs("greeted", &agent);
    }
}

#[test]
fn a_banner_without_end_is_refused() {
    let host = Host::new(&["sh", "-c", "head -c 100000 /dev/zero; exec dash -c \"$1\"", "sh"]);
    let agent = agent("flooded", 0);
    let refused = host.talk(&host.start(&agent), &agent).refused();
    assert!(refused.starts_with("the login shell prints more than 64 KiB"), "{refused}");
}

#[test]
fn a_shell_that_is_none_tells_what_it_printed() {
    let host = Host::new(&["sh", "-c", "echo This account is not available.; exit 1", "sh"]);
    let agent = agent("refused", 0);
    let talk = host.talk(&host.start(&agent), &agent);
    let Err(StartError::Ended { printed }) = talk.said else { panic!("{talk:?}") };
    assert_eq!(printed, "This account is not available.");
}

/// A host with the given programs beside those that are used anyway.
fn sparse(programs: &[&str]) -> Host {
    let all: Vec<_> = USED.iter().chain(programs).map(|program| (*program, *program)).collect();
    Host::new(&["dash", "-c"]).with_programs(&[all, vec![("sh", "dash")]].concat())
}

#[test]
fn whatever_computes_digests_finds_a_damaged_upload() {
    for program in ["sha256sum", "shasum", "openssl"] {
        let host = sparse(&[program]);
        let whole = agent("whole", 1000);
        let mut damaged = agent("damaged", 1000);
        damaged.digest = whole.digest.clone();
        let refused = host.talk(&host.start(&whole), &damaged).refused();
        assert!(refused.starts_with("the agent arrived damaged"), "{program}: {refused}");
        assert_eq!(host.kept(), [""; 0], "{program}");
        host.talk(&host.start(&whole), &whole).assert_runs("whole", &whole);
    }
    // Nothing is there that could: then it is left to the agent.
    let host = sparse(&[]);
    let agent = agent("trusted", 1000);
    host.talk(&host.start(&agent), &agent).assert_runs("trusted", &agent);
}

#[test]
fn busybox_is_enough() {
    let applets = USED.iter().chain(&["sh", "sha256sum"]).map(|applet| (*applet, "busybox"));
    let host = Host::new(&["busybox", "sh", "-c"]).with_programs(&applets.collect::<Vec<_>>());
    assert_eq!(
        which("busybox").canonicalize().ok(),
        host.path.as_ref().unwrap().join("gzip").canonicalize().ok()
    );
    let agent = agent("small", 1_000_000);
    host.talk(&host.start(&agent), &agent).assert_pushed(&agent);
    host.talk(&host.start(&agent), &agent).assert_runs("small", &agent);
}

#[test]
fn a_host_without_gzip_says_so() {
    let mut programs = USED.to_vec();
    programs.retain(|program| *program != "gzip");
    let programs: Vec<_> = programs.into_iter().map(|program| (program, program)).collect();
    let host = Host::new(&["dash", "-c"]).with_programs(&[programs, vec![("sh", "dash")]].concat());
    let agent = agent("packed", 1000);
    insta::assert_snapshot!(host.talk(&host.start(&agent), &agent).refused(), @r"
    `gzip` is missing, which unpacks the agent
      hint: install `gzip` there
    ");
}

/// The head of a program for a machine that has not been built for decades.
const FOREIGN: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x01\0\x01\0\0\0 (";

#[test]
fn an_agent_of_another_architecture_is_named() {
    for sh in SHS {
        let host = Host::new(&["dash", "-c"]).with_first("sh", sh);
        let agent = agent("foreign", 1000);
        host.talk(&host.start(&agent), &agent).assert_pushed(&agent);
        fs::write(host.place(&agent), FOREIGN).unwrap();
        let talk = host.talk(&host.start(&agent), &agent);
        assert_eq!(talk.said.unwrap(), "", "{sh}");
        let problem = unstarted(talk.exit.unwrap(), &talk.stderr);
        let message = problem.map(|problem| problem.message);
        let expected = "the agent is built for another architecture";
        assert_eq!(message.as_deref(), Some(expected), "{sh}: {}", talk.stderr);
    }
}

#[test]
fn an_agent_that_cannot_be_loaded_is_named() {
    let host = Host::new(&["dash", "-c"]);
    let agent = agent("dynamic", 1000);
    host.talk(&host.start(&agent), &agent).assert_pushed(&agent);
    fs::write(host.place(&agent), "#!/lib/none/ld.so\n").unwrap();
    let talk = host.talk(&host.start(&agent), &agent);
    let problem = unstarted(talk.exit.unwrap(), &talk.stderr).unwrap();
    assert_eq!(problem.message, "the agent cannot be started");
    assert!(problem.causes[0].ends_with("not found"), "{problem}");
}

#[test]
fn an_agent_that_started_is_not_said_not_to() {
    assert_eq!(unstarted(82, "error: the agent is damaged"), None);
    assert_eq!(unstarted(1, "sudo: a password is required"), None);
    assert_eq!(unstarted(127, "sudo: no such command"), None);
}
