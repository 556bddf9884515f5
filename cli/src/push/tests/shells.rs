//! Every login shell, every `sh`, and the programs that differ between systems.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use togusa_core::problem::Problem;

use super::host::{Host, SHS, Talk, agent, program, which};
use crate::push::{Start, StartError, unstarted};

const LOGIN_SHELLS: [&[&str]; 7] = [
    &["dash", "-c"],
    &["bash", "-c"],
    &["zsh", "-c"],
    &["mksh", "-c"],
    &["busybox", "sh", "-c"],
    &["fish", "-c"],
    &["tcsh", "-c"],
];

/// What a start and a push use, beside `sh`.
const USED: [&str; 8] = ["chmod", "gzip", "head", "ls", "mkdir", "rm", "uname", "printf"];

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

        let start = Start { replace: true, ..host.start(&agent) };
        let replaced = host.talk(&start, &agent);
        replaced.assert_runs("mended", &agent);
        replaced.assert_pushed(&agent);
    }
}

#[test]
fn a_binary_of_another_target_is_replaced_as_well() {
    for (_, host) in hosts() {
        let (expected, other) = (agent("expected", 0), agent("other", 1000));
        host.talk(&host.start(&expected), &other).assert_pushed(&other);
        fs::write(host.place(&other), "#!/bin/sh\nexit 82\n").unwrap();
        let start = Start { replace: true, ..host.start(&expected) };
        let replaced = host.talk(&start, &other);
        replaced.assert_runs("other", &other);
        replaced.assert_pushed(&other);
    }
}

#[test]
fn a_pushed_agent_creates_files_as_one_that_was_there() {
    for sh in SHS {
        let login = ["sh", "-c", "umask 037; exec dash -c \"$1\"", "sh"];
        let host = Host::new(&login).with_first("sh", sh);
        let agent = agent("$(umask)", 1000);
        host.talk(&host.start(&agent), &agent).assert_runs("0037", &agent);
        host.talk(&host.start(&agent), &agent).assert_runs("0037", &agent);
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

#[test]
fn busybox_is_enough() {
    let applets = USED.iter().chain(&["sh"]).map(|applet| (*applet, "busybox"));
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

#[test]
fn an_agent_that_does_not_start_leaves_nothing() {
    for sh in SHS {
        let starts = [("exit 82", 82), ("exit 1", 1), ("kill -9 $$", 137), ("kill -11 $$", 139)];
        for (does, code) in starts {
            let host = Host::new(&["dash", "-c"]).with_first("sh", sh);
            let agent = program(format!("#!/bin/sh\n{does}\n").as_bytes(), "broken", 1000);
            let talk = host.talk(&host.start(&agent), &agent);
            assert_eq!((talk.said.as_deref().ok(), talk.exit), (Some(""), Some(code)), "{sh}");
            assert_eq!(host.kept(), [""; 0], "{sh}: {does}");
        }
    }
}

/// The head of a program for a machine that has not been built for decades.
const FOREIGN: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x01\0\x01\0\0\0 (";

/// Why an agent does not start that is pushed, and then one that was there.
fn unstarted_twice(sh: &str, content: &[u8]) -> [Problem; 2] {
    let host = Host::new(&["dash", "-c"]).with_first("sh", sh);
    let why = |talk: Talk| {
        assert_eq!(talk.said.as_deref().ok(), Some(""), "{sh}");
        unstarted(talk.exit.unwrap(), &talk.stderr)
            .unwrap_or_else(|| panic!("{sh}: {:?} {}", talk.exit, talk.stderr))
    };
    let bad = program(content, "bad", 0);
    let pushed = why(host.talk(&host.start(&bad), &bad));
    assert_eq!(host.kept(), [""; 0], "{sh}");

    let agent = agent("good", 1000);
    host.talk(&host.start(&agent), &agent).assert_pushed(&agent);
    fs::write(host.place(&agent), content).unwrap();
    [pushed, why(host.talk(&host.start(&agent), &agent))]
}

#[test]
fn an_agent_of_another_architecture_is_named() {
    for sh in SHS {
        for problem in unstarted_twice(sh, FOREIGN) {
            let expected = "the agent is built for another architecture";
            assert_eq!(problem.message, expected, "{sh}: {problem}");
        }
    }
}

#[test]
fn an_agent_that_cannot_be_loaded_is_named() {
    for sh in SHS {
        for problem in unstarted_twice(sh, b"#!/lib/none/ld.so\n") {
            assert_eq!(problem.message, "the agent cannot be started", "{sh}: {problem}");
            assert!(problem.causes[0].to_lowercase().contains("no"), "{sh}: {problem}");
        }
    }
}

#[test]
fn an_agent_that_started_is_not_said_not_to() {
    assert_eq!(unstarted(82, "error: the agent is damaged"), None);
    assert_eq!(unstarted(1, "sudo: a password is required"), None);
    assert_eq!(unstarted(127, "sudo: no such command"), None);
}
