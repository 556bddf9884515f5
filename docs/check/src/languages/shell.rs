//! Shell: every command line is one that `togusa` takes, or of a program that pages may start.

use std::io::Write as _;
use std::process::Stdio;

use clap::Parser as _;
use togusa::arguments::Arguments;
use togusa_core::problem::code;
use togusa_core::system;

use super::Mistake;
use crate::pages::Block;

/// The programs of a project, as pages call them; those that are called by a path are, too.
const PROGRAMS: [&str; 3] = ["togusa", "hello", "shop"];

/// What the installed command does by itself; the tests of new projects run it.
const OF_INSTALLED: [&str; 2] = ["add", "new"];

/// Programs of others that pages may start.
const OTHERS: &[&str] = &[
    "age",
    "age-keygen",
    "apt-get",
    "cat",
    "cd",
    "chmod",
    "cp",
    "crontab",
    "curl",
    "df",
    "diff",
    "echo",
    "env",
    "git",
    "gpg",
    "head",
    "iconv",
    "kill",
    "ls",
    "man",
    "mkdir",
    "mv",
    "openssl",
    "printf",
    "pwgen",
    "rm",
    "rustup",
    "sed",
    "sha256sum",
    "ssh",
    "ssh-copy-id",
    "ssh-keygen",
    "systemd-detect-virt",
    "tar",
    "test",
    "ulimit",
];

/// What cargo does on pages, beside starting a program.
const OF_CARGO: [&str; 10] =
    ["add", "build", "clippy", "doc", "install", "new", "package", "publish", "test", "tree"];

/// Checks a script.
pub(super) fn script(block: &Block) -> Vec<Mistake> {
    let lines = block.text.lines().enumerate();
    check(&lines.collect::<Vec<_>>())
}

/// Checks the commands of a session: the lines after `$ `. What follows one that the command line
/// refuses must be what it says.
pub(super) fn session(block: &Block) -> Vec<Mistake> {
    let lines: Vec<_> = block.text.lines().collect();
    let typed = lines.iter().enumerate();
    let typed = typed.filter_map(|(line, text)| Some((line, text.strip_prefix("$ ")?)));
    let typed: Vec<_> = typed.collect();
    if typed.is_empty() {
        return vec![Mistake::of_block("a session has a line that begins with `$ `")];
    }
    let mut mistakes = check(&typed);
    mistakes.retain(|Mistake { line, wrong }| {
        let said = format!("error[{}]: {wrong}", code::ARGUMENTS);
        lines.get(line + 1).is_none_or(|next| *next != said)
    });
    mistakes
}

fn check(lines: &[(usize, &str)]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut whole = String::new();
    let mut first = None;
    for (line, text) in lines {
        let first_line = *first.get_or_insert(*line);
        if let Some(text) = text.strip_suffix('\\') {
            whole.push_str(text);
            continue;
        }
        whole.push_str(text);
        let wrong = commands(&whole).into_iter().filter_map(|words| wrong(&words));
        mistakes.extend(wrong.map(|wrong| Mistake { line: first_line, wrong }));
        whole.clear();
        first = None;
    }
    let script: String = lines.iter().map(|(_, text)| format!("{text}\n")).collect();
    mistakes.extend(unreadable(&script));
    mistakes
}

/// The commands of a line, as words; what is piped or follows another is one of its own.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    for word in shlex::split(line).unwrap_or_default() {
        match word.as_str() {
            "|" | "&&" | "||" | ";" => commands.push(Vec::new()),
            _ => commands.last_mut().into_iter().for_each(|words| words.push(word.clone())),
        }
    }
    commands.retain(|words| !words.is_empty());
    commands
}

fn wrong(words: &[String]) -> Option<String> {
    let set = |word: &&String| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        })
    };
    // Variables before a command, and where its input comes from and its output goes, are the shell's.
    let redirects = |word: &String| word.starts_with(['<', '>']);
    let words: Vec<_> = words.iter().skip_while(set).take_while(|word| !redirects(word)).collect();
    let (program, rest) = words.split_first()?;
    match program.as_str() {
        "cargo" => match rest.first()?.as_str() {
            "run" => {
                let own = rest.iter().skip_while(|word| **word != "--");
                parsed(own.skip(1).map(|word| word.as_str()))
            }
            other if OF_CARGO.contains(&other) => None,
            other => Some(format!("pages do not use `cargo {other}`; add it to `OF_CARGO`")),
        },
        "togusa" if rest.first().is_some_and(|word| OF_INSTALLED.contains(&word.as_str())) => None,
        known if known.contains('/') || PROGRAMS.contains(&known) => {
            parsed(rest.iter().map(|word| word.as_str()))
        }
        known if OTHERS.contains(&known) => None,
        other => Some(format!("nothing checks the program `{other}`; add it to `OTHERS`")),
    }
}

/// What the command line of a project says to these arguments.
fn parsed<'a>(arguments: impl Iterator<Item = &'a str>) -> Option<String> {
    let error = Arguments::try_parse_from(std::iter::once("togusa").chain(arguments)).err()?;
    if !error.use_stderr() {
        return None; // Help that was asked for.
    }
    let told = error.to_string();
    let told = told.lines().next().unwrap_or_default();
    Some(told.trim_start_matches("error: ").to_owned())
}

/// What a shell says that reads the script without running it.
fn unreadable(script: &str) -> Option<Mistake> {
    let read = || {
        let mut shell = system::program("sh")
            .arg("-n")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = shell.stdin.take() {
            input.write_all(script.as_bytes())?;
        }
        shell.wait_with_output()
    };
    match read() {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Some(Mistake::of_block(format!("not a shell script: {told}")))
        }
        Err(error) => Some(Mistake::of_block(format!("cannot start `sh`: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;

    #[test]
    fn commands_are_those_that_the_command_line_takes() {
        let good = "```sh\ntogusa deploy dev --yes\ncargo run --quiet -- secrets set dev a.b  # asks\n\
                    pwgen 32 1 | togusa secrets set \\\n    dev a.b\nTOGUSA_AGENTS=x hello plan dev\n\
                    hello exec live -- uptime\ncargo test --locked\ndist/shop secrets set dev a.b <file\n```\n";
        assert_eq!(found(good), [""; 0]);
        assert_eq!(
            found(
                "```sh\ntogusa check dev\ntogusa depoly dev\ncargo run -- plan dev \\\n --jobs 0\n```\n"
            ),
            [
                "3: unrecognized subcommand 'depoly'",
                "4: invalid value '0' for '--jobs <N>': number would be zero for non-zero type",
            ]
        );
    }

    #[test]
    fn programs_of_others_are_known() {
        assert_eq!(
            found("```sh\ngit commit\nbrew install x\ncargo frob\n```\n"),
            [
                "3: nothing checks the program `brew`; add it to `OTHERS`",
                "4: pages do not use `cargo frob`; add it to `OF_CARGO`",
            ]
        );
    }

    #[test]
    fn a_script_can_be_read_by_a_shell() {
        let wrong = found("```sh\ngit 'commit\n```\n");
        assert!(wrong.len() == 1 && wrong[0].contains("not a shell script: "), "{wrong:?}");
    }

    #[test]
    fn a_session_has_commands_and_their_output() {
        assert_eq!(found("```console\n$ togusa plan dev\nwhatever comes\n```\n"), [""; 0]);
        assert_eq!(
            found("```console\n$ togusa plna dev\n```\n"),
            ["2: unrecognized subcommand 'plna'"]
        );
        assert_eq!(
            found("```console\ntogusa plan dev\n```\n"),
            ["2: a session has a line that begins with `$ `"]
        );
        let refused = "```console\n$ togusa plan dev --hots x\n\
                       error[T0001]: unexpected argument '--hots' found\n```\n";
        assert_eq!(found(refused), [""; 0]);
    }
}
