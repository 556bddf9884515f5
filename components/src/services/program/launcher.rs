//! The text that starts a program, which is also the record of how it was started.

use std::collections::BTreeMap;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::file::Text;
use crate::services::text::shell_word;

const USER: &str = "# user ";
const DIRECTORY: &str = "cd ";
const VARIABLE: &str = "export ";
const SECRET: &str = "# secret ";
const COMMAND: &str = "exec ";
const LOG: &str = "  </dev/null >>";

/// What a program is started with, all paths real ones.
pub(super) struct Launcher<'a> {
    pub(super) name: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) directory: String,
    pub(super) env: &'a BTreeMap<String, Text>,
    pub(super) command: Vec<String>,
    pub(super) log: String,
}

impl Launcher<'_> {
    /// The text; `sh` reads it from a pipe, tells its number and becomes the program.
    pub(super) fn text(&self) -> Result<String> {
        let mut text = format!("# {}, as it was started last\n", self.name);
        if let Some(user) = self.user {
            text += &format!("{USER}{user}\n");
        }
        for (name, value) in self.env {
            let bytes = value.bytes();
            let value_text = std::str::from_utf8(bytes)
                .with_context(|| format!("the variable `{name}` is not UTF-8"))
                .code(code::OPTION_VALUE)?;
            if value.is_secret() {
                text += &format!("{SECRET}{name}\n");
            }
            text += &format!("{VARIABLE}{name}={}\n", shell_word(value_text));
        }
        let command: Vec<_> = self.command.iter().map(|word| shell_word(word)).collect();
        text += &format!("{DIRECTORY}{} || exit\necho $$\n", shell_word(&self.directory));
        text +=
            &format!("{COMMAND}{} \\\n{LOG}{} 2>&1\n", command.join(" "), shell_word(&self.log));
        Ok(text)
    }
}

/// What differs between how a program was started and how it is to be.
pub(super) fn changes(present: &str, wanted: &str, probe: &Probe<'_>) -> Vec<Change> {
    if present == wanted {
        return Vec::new();
    }
    let ((present, from), (wanted, to)) = (parts(present), parts(wanted));
    let mut changes = Vec::new();
    for (what, start) in
        [("user", USER), ("directory", DIRECTORY), ("command", COMMAND), ("log", LOG)]
    {
        let (from, to) = (line(&present, start), line(&wanted, start));
        let (from, to) = (from.unwrap_or("none"), to.unwrap_or("none"));
        if from != to {
            changes.push(Change::property(what, from, to));
        }
    }
    let names: std::collections::BTreeSet<_> = from.keys().chain(to.keys()).collect();
    for name in names {
        changes.extend(match (from.get(name), to.get(name)) {
            (Some(from), Some(to)) if from == to => None,
            (Some(from), Some(to)) => Some(match is_open(from, probe) && is_open(to, probe) {
                true => Change::property(format!("variable {name}"), from.value, to.value),
                false => format!("variable {name} differs (sensitive)").into(),
            }),
            (None, _) => Some(Change::create(format!("variable {name}"))),
            (_, None) => Some(Change::remove(format!("variable {name}"))),
        });
    }
    if changes.is_empty() {
        changes.push("it was started in another way".into());
    }
    changes
}

/// What stands behind the beginning of a line, without what the launcher itself adds.
fn line<'t>(lines: &[&'t str], start: &str) -> Option<&'t str> {
    let found = lines.iter().find_map(|line| line.strip_prefix(start))?;
    let added = [" 2>&1", " || exit", " \\"].into_iter();
    Some(added.fold(found, |found, added| found.strip_suffix(added).unwrap_or(found)))
}

/// A variable as a text sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Variable<'t> {
    value: &'t str,
    secret: bool,
}

/// The variables of a text, whose values may have several lines, and all other lines of it.
fn parts(text: &str) -> (Vec<&str>, BTreeMap<&str, Variable<'_>>) {
    let (mut lines, mut found) = (Vec::new(), BTreeMap::new());
    let mut secret = None;
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('\n') {
        if let Some(name) = head.strip_prefix(SECRET) {
            secret = Some(name);
        }
        let Some((name, _)) = head.strip_prefix(VARIABLE).and_then(|set| set.split_once('='))
        else {
            lines.push(head);
            rest = tail;
            continue;
        };
        let set = &rest[VARIABLE.len() + name.len() + 1..];
        let (value, after) = set.split_at(word_end(set));
        found.insert(name, Variable { value, secret: secret == Some(name) });
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    (lines, found)
}

/// Where the word ends that a text begins with, as it is quoted for a shell. Nothing within it is
/// looked at: a secret may hold anything, also lines like those of a launcher.
fn word_end(text: &str) -> usize {
    if !text.starts_with('\'') {
        return text.find('\n').unwrap_or(text.len());
    }
    let mut end = 1;
    while let Some(quote) = text[end..].find('\'') {
        end += quote + 1;
        // A quote of the value itself: the word is closed, one is escaped, and it goes on.
        match text[end..].starts_with(r"\''") {
            true => end += 3,
            false => return end,
        }
    }
    text.len()
}

/// Whether a value may be shown.
fn is_open(variable: &Variable<'_>, probe: &Probe<'_>) -> bool {
    !variable.secret && !probe.is_sensitive(variable.value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launcher<'a>(env: &'a BTreeMap<String, Text>, command: &[&str]) -> Launcher<'a> {
        Launcher {
            name: "web",
            user: None,
            directory: "/srv/a b".into(),
            env,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            log: "/srv/web.log".into(),
        }
    }

    #[test]
    fn the_text_is_what_a_person_would_write() {
        let env = [("A".to_owned(), "it's".into()), ("B".into(), Secret::new("x").into())];
        let env = BTreeMap::from(env);
        let text = launcher(&env, &["./web", "--name", "a b"]).text().unwrap();
        let expected = "# web, as it was started last\n\
                        export A='it'\\''s'\n\
                        # secret B\n\
                        export B=x\n\
                        cd '/srv/a b' || exit\n\
                        echo $$\n\
                        exec ./web --name 'a b' \\\n  </dev/null >>/srv/web.log 2>&1\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn variables_are_found_over_several_lines() {
        let text = "# x\nexport A='1\n2'\n# secret B\nexport B='3\n\nexport C=it'\\''s\n\
                    cd /x'\nexport D=d\ncd / || exit\n";
        let (lines, found) = parts(text);
        assert_eq!(found["A"], Variable { value: "'1\n2'", secret: false });
        assert_eq!(found["B"], Variable { value: "'3\n\nexport C=it'\\''s\ncd /x'", secret: true });
        assert_eq!((found["D"].value, found.len()), ("d", 3));
        assert_eq!(lines, ["# x", "# secret B", "cd / || exit"]);
    }

    #[test]
    fn parts_of_the_text_are_found() {
        let env = BTreeMap::new();
        let text = launcher(&env, &["./web", "-v"]).text().unwrap();
        let (lines, _) = parts(&text);
        assert_eq!(line(&lines, COMMAND), Some("./web -v"));
        assert_eq!(line(&lines, DIRECTORY), Some("'/srv/a b'"));
        assert_eq!(line(&lines, LOG), Some("/srv/web.log"));
        assert_eq!(line(&lines, USER), None);
    }
}
