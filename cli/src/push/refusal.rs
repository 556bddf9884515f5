//! What a host says that cannot keep or run the agent, as a problem with its remedy.

use togusa_core::problem::{Problem, code};

const ELSEWHERE: &str = "set `store = \"/path\"` in environment.toml";

/// The problem that `KIND DETAIL` of the remote script stands for.
pub fn refusal(said: &str) -> Problem {
    let (kind, detail) = said.split_once(' ').unwrap_or((said, ""));
    let problem = |code, message: &str| Problem {
        causes: Some(detail.to_owned()).filter(|detail| !detail.is_empty()).into_iter().collect(),
        ..Problem::new(code, message)
    };
    match kind {
        "store" | "write" => {
            written(problem(code::STORE_UNWRITABLE, "cannot keep the agent in the store"), detail)
        }
        "owner" => {
            Problem::new(code::STORE_OPEN, format!("the store `{detail}` belongs to another user"))
                .hint(format!(
                    "remove it there, or {ELSEWHERE} to a directory of the converging user"
                ))
        }
        "open" => {
            Problem::new(code::STORE_OPEN, format!("others may write to the store `{detail}`"))
                .hint(format!("`chmod 700 {detail}` there, or {ELSEWHERE} to a private directory"))
        }
        "missing" => Problem::new(
            code::NO_UNPACKER,
            format!("`{detail}` is missing, which unpacks the agent"),
        )
        .hint(format!("install `{detail}` there")),
        "noexec" => noexec(problem(code::STORE_NOEXEC, "the store may not run programs")),
        _ => problem(
            code::AGENT_NOT_STARTED,
            &format!("the start of the agent failed with `{kind}`"),
        ),
    }
}

/// How shells say that a program is of another architecture; busybox runs it as a script.
const FOREIGN: [&str; 4] =
    ["exec format error", "cannot execute binary file", "not executable", "syntax error"];

/// Why a program that was found did not start, from how the command ended and what it printed on
/// its standard error; `None` if it did start, or never came to that.
///
/// It is for streams that end before the agent's first frame.
pub fn unstarted(exit: i32, printed: &str) -> Option<Problem> {
    let said = printed.to_lowercase();
    if said.contains("sudo:") {
        return None;
    }
    let problem = |code, message: &str| Problem {
        causes: Some(printed.trim().to_owned()).filter(|it| !it.is_empty()).into_iter().collect(),
        ..Problem::new(code, message)
    };
    if FOREIGN.iter().any(|foreign| said.contains(foreign)) {
        return Some(
            problem(code::OTHER_ARCHITECTURE, "the agent is built for another architecture")
                .hint("set `target` of the host in environment.toml to the triple of its system"),
        );
    }
    // mksh ends alike whether a program may not be run or cannot be.
    let exit = if exit == 126 && said.contains("no such file") { 127 } else { exit };
    match exit {
        126 => Some(noexec(problem(code::STORE_NOEXEC, "the agent may not be run"))),
        127 => Some(problem(code::AGENT_NOT_STARTED, "the agent cannot be started").hint(
            "a host needs `sh`; an agent that is not static also needs what it was linked against",
        )),
        _ => None,
    }
}

fn written(problem: Problem, detail: &str) -> Problem {
    // zsh begins with a small letter.
    let detail = detail.to_lowercase();
    let says = |text: &str| detail.contains(text);
    if says("no space left") {
        problem.hint(format!("make room there (`df` and `df -i` show it), or {ELSEWHERE}"))
    } else if says("quota") || says("file too large") {
        problem.hint(format!("raise the quota of the converging user, or {ELSEWHERE}"))
    } else if says("read-only") || says("denied") || says("not permitted") {
        problem.hint(format!("{ELSEWHERE} to a directory that the converging user may write to"))
    } else {
        problem.hint(format!("see whether the disk is full (`df`), or {ELSEWHERE}"))
    }
}

fn noexec(problem: Problem) -> Problem {
    problem.hint(format!("{ELSEWHERE} to a file system that is not mounted with `noexec`"))
}
