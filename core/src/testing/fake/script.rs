//! A fake as a script of `sh`.
//!
//! A script, because commands and the scripts that they run must both find it, in processes of their
//! own. It first writes down how it was called; a reader of the record sees all of a call or nothing.

use std::fmt::Write as _;
use std::path::Path;

use super::{Answer, Effect, End, Fake, Rule};
use crate::host::{INPUT, PROCESS, USER, VARIABLES};

/// What does not fit any answer ends with this code.
const UNANSWERED: i32 = 99;

/// Where the fakes of one host keep things.
pub(in crate::testing) struct Places<'a> {
    pub(in crate::testing) host: &'a str,
    pub(in crate::testing) home: &'a Path,
    /// The calls of all hosts.
    pub(in crate::testing) calls: &'a Path,
    /// What the fakes of the host remember.
    pub(in crate::testing) memory: &'a Path,
    /// The search path of this process, for what the script itself needs.
    pub(in crate::testing) search: &'a str,
}

/// The text of the script; `number` tells the fakes of a harness apart.
pub(in crate::testing) fn script(fake: &Fake, number: usize, places: &Places<'_>) -> String {
    let word = |path: &Path| quoted(&path.to_string_lossy());
    let mut text = format!(
        r#"#!/bin/sh
usual={usual} calls={calls} memory={memory} home={home}
found=$PATH
PATH=$usual
# A call gets the next free number; the last one that was given is only where to begin.
number=1
[ ! -s "$calls/last" ] || read -r number <"$calls/last"
set -C
until {{ true >"$calls/$number"; }} 2>/dev/null; do
    # A test that has ended takes no calls.
    [ -d "$calls" ] || exit {UNANSWERED}
    number=$((number + 1))
done
set +C
echo "$number" >"$calls/last"
record=$calls/$number
[ -z "${variables}" ] || cat /proc/$$/environ >"$record.environ"
within=
if [ "$PPID" != "${process}" ]; then
    within=yes
    # What the script around it has yet to read is left to it.
    ours=$(readlink /proc/$$/fd/0) theirs=$(readlink /proc/$PPID/fd/0)
    [ "$ours" = "$theirs" ] || [ "$ours" = /dev/null ] || cat >"$record.stdin"
elif [ -n "${input}" ]; then
    cat >"$record.stdin"
fi
printf '%s\0' {host} {program} "${user}" "$(pwd -P)" "${variables}" "$within" "$@" end >"$record"
[ ! -e "$record.stdin" ] || exec <"$record.stdin"
"#,
        usual = quoted(places.search),
        calls = word(places.calls),
        memory = word(places.memory),
        home = word(places.home),
        host = quoted(places.host),
        program = quoted(&fake.program),
        variables = VARIABLES,
        process = PROCESS,
        input = INPUT,
        user = USER,
    );
    for (place, rule) in fake.rules.iter().enumerate() {
        add_rule(&mut text, fake, rule, &format!("{number}-{place}"));
    }
    if fake.rules.is_empty() {
        text.push_str("exit 0\n");
    } else {
        let said = format!("the fake of `{}` has no answer to these arguments:", fake.program);
        let _ = writeln!(text, "echo {} \"$@\" >&2\nexit {UNANSWERED}", quoted(&said));
    }
    text
}

fn add_rule(text: &mut String, fake: &Fake, rule: &Rule, name: &str) {
    let compared = if rule.open { "-ge" } else { "-eq" };
    let mut conditions = vec![format!("[ $# {compared} {} ]", rule.arguments.len())];
    for (place, argument) in rule.arguments.iter().enumerate().filter(|(_, text)| *text != "*") {
        conditions.push(format!("[ \"${{{}}}\" = {} ]", place + 1, quoted(argument)));
    }
    if let Some(when) = rule.answers.first().and_then(|answer| answer.when.as_ref()) {
        conditions.push(format!("[ -e \"$memory\"/{} ]", remembered(when)));
    }
    let _ = writeln!(text, "if {}; then", conditions.join(" && "));
    let last = rule.answers.len();
    if last > 1 {
        let _ = writeln!(
            text,
            "turn=1\nset -C\nuntil [ $turn -eq {last} ] || {{ true >\"$memory/turn-{name}-$turn\"; }} \
             2>/dev/null; do turn=$((turn + 1)); done\nset +C"
        );
    }
    for (turn, answer) in (1..).zip(&rule.answers) {
        if last > 1 {
            let _ = writeln!(text, "if [ $turn -eq {turn} ]; then");
        }
        add_answer(text, fake, answer);
        if last > 1 {
            text.push_str("fi\n");
        }
    }
    text.push_str("fi\n");
}

fn add_answer(text: &mut String, fake: &Fake, answer: &Answer) {
    for effect in &answer.effects {
        let _ = match effect {
            Effect::Create { path, content } => {
                let (path, content) = (located(path), quoted(content));
                writeln!(text, "mkdir -p \"$(dirname {path})\"\nprintf %s {content} >{path}")
            }
            Effect::Remove { path } => writeln!(text, "rm -rf {}", located(path)),
            Effect::Set { name } => writeln!(text, ": >\"$memory\"/{}", remembered(name)),
            Effect::Unset { name } => writeln!(text, "rm -f \"$memory\"/{}", remembered(name)),
        };
    }
    for (printed, stream) in [(&answer.stdout, ""), (&answer.stderr, " >&2")] {
        if !printed.is_empty() {
            let _ = writeln!(text, "printf %s {}{stream}", quoted(printed));
        }
    }
    let _ = match answer.end {
        End::Exits => writeln!(text, "exit {}", answer.code),
        End::Hangs => writeln!(text, "exec sleep 1000000"),
        // Its own way to this script is left out, so that it does not come back here.
        End::Runs => writeln!(
            text,
            "case $found in *:*) PATH=${{found#*:}} ;; esac\nexec {} \"$@\"",
            quoted(&fake.program)
        ),
    };
}

/// The name of the file that remembers something.
fn remembered(name: &str) -> String {
    format!("is-{}", quoted(&name.replace('/', "%")))
}

/// A path as a word of the script.
fn located(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(below) => format!("\"$home\"/{}", quoted(below)),
        None => quoted(&if path.starts_with('-') { format!("./{path}") } else { path.to_owned() }),
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    assert!(!text.contains('\0'), "a fake can neither hear nor print the character NUL");
    format!("'{}'", text.replace('\'', r"'\''"))
}
