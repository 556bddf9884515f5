//! The text of a job, in a file of its own or in a crontab.

use togusa_core::host::{ExecError, Snapshot};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

/// Variables that tell cron something: in a crontab they count for all jobs that follow.
pub(super) const SPECIAL: [&str; 6] =
    ["MAILTO", "MAILFROM", "SHELL", "CRON_TZ", "RANDOM_DELAY", "CONTENT_TYPE"];

/// How long a command or a variable may be.
const LONGEST: usize = 990;

/// A job as it was given.
pub(super) struct Job<'a> {
    pub(super) name: &'a str,
    pub(super) schedule: &'a str,
    pub(super) command: &'a str,
    pub(super) env: Vec<(&'a str, &'a str)>,
}

impl Job<'_> {
    /// What cron runs: to it an unescaped `%` is the end of a line, and two `\` are one.
    fn line(command: &str) -> String {
        let mut line = String::new();
        let mut rest = command.trim();
        while let Some(at) = rest.find(['\\', '%']) {
            let (before, from) = rest.split_at(at);
            let after = from.trim_start_matches('\\');
            let (count, escaped) = (from.len() - after.len(), after.starts_with('%'));
            // A single one before another character is left alone.
            let count = if escaped || count > 1 { count * 2 } else { count };
            line.push_str(before);
            line.push_str(&"\\".repeat(count));
            line.push_str(if escaped { "\\%" } else { "" });
            rest = after.strip_prefix('%').unwrap_or(after);
        }
        line + rest
    }

    /// Refuses what cron does not run, or cuts off, without a word.
    pub(super) fn check_length(&self) -> Result {
        let too_long = |length: usize| length > LONGEST;
        for (name, value) in &self.env {
            if too_long(name.len() + 1 + value.len()) {
                return Err(fault!(
                    code::CRON_LINE,
                    "variable `{name}` is too long for cron, which cuts it off"
                ))
                .hint("let the job read it from a private file");
            }
        }
        if too_long(Self::line(self.command).len()) {
            return Err(fault!(
                code::CRON_LINE,
                "the command is too long for cron, which would not run it"
            ))
            .hint("put it into a script, and run that");
        }
        Ok(())
    }

    /// The schedule with one space between its fields.
    fn when(&self) -> String {
        self.schedule.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// A file below `/etc/cron.d`.
    pub(super) fn file(&self, user: &str) -> String {
        let (mut env, mut exports) = (String::new(), String::new());
        for (name, value) in &self.env {
            match quoted(value) {
                Some(quoted) => env.push_str(&format!("{name}={quoted}\n")),
                None => exports.push_str(&export(name, value)),
            }
        }
        let (when, line) = (self.when(), Self::line(&format!("{exports}{}", self.command.trim())));
        format!("# Job `{}`, kept by togusa.\n{env}{when} {user} {line}\n", self.name)
    }

    /// The lines in a crontab, where a variable must not reach the jobs below.
    pub(super) fn lines(&self) -> String {
        let env = self.env.iter().map(|(name, value)| export(name, value));
        let command = format!("{}{}", env.collect::<String>(), self.command.trim());
        format!("{} {}\n", self.when(), Self::line(&command))
    }
}

/// A variable as the shell of the job sets it.
fn export(name: &str, value: &str) -> String {
    format!("export {name}='{}'; ", value.replace('\'', r"'\''"))
}

/// The value of a variable, which cron strips of spaces unless they are quoted; `None` if it has no
/// way to write it.
fn quoted(value: &str) -> Option<String> {
    let is_plain = value.trim() == value && !value.is_empty() && !value.starts_with(['"', '\'']);
    match (is_plain, value.contains('"'), value.contains('\'')) {
        (true, ..) => Some(value.to_owned()),
        (false, false, _) => Some(format!("\"{value}\"")),
        (false, true, false) => Some(format!("'{value}'")),
        (false, true, true) => None,
    }
}

/// The crontab of the converging user.
pub(super) struct Crontab(pub(super) String);

impl Snapshot for Crontab {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let output = remedied(probe.query(&Exec::new("crontab").arg("-l").accept([0, 1])))?;
        if output.code == 0 {
            return Ok(Self(output.stdout_text()));
        }
        let said = output.stderr_text();
        demand!(
            said.contains("no crontab"),
            code::COMMAND_FAILED,
            "`crontab -l` failed: {}",
            said.trim()
        );
        Ok(Self(String::new()))
    }
}

fn begin(name: &str) -> String {
    format!("# togusa: begin {name}")
}

fn end(name: &str) -> String {
    format!("# togusa: end {name}")
}

/// What stands between the marks of a job.
pub(super) fn lines_of(crontab: &str, name: &str) -> Option<String> {
    let (begin, end) = (begin(name), end(name));
    let inside = crontab.lines().skip_while(|line| *line != begin);
    let inside: Vec<_> = inside.skip(1).take_while(|line| *line != end).collect();
    let is_there = crontab.lines().any(|line| line == begin);
    is_there.then(|| inside.iter().map(|line| format!("{line}\n")).collect())
}

/// The crontab with other lines between the marks of a job, or without them.
fn edited(crontab: &str, name: &str, wanted: Option<&str>) -> String {
    let (begin, end) = (begin(name), end(name));
    let mut lines = Vec::new();
    let mut inside = false;
    // Without its second mark a job reaches only to the next one.
    for line in crontab.lines() {
        let is_mark = line.starts_with("# togusa: begin ");
        inside = line == begin || (inside && !is_mark);
        if !inside {
            lines.push(line);
        }
        inside &= line != end;
    }
    let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    if let Some(wanted) = wanted {
        text.push_str(&format!("{begin}\n{wanted}{end}\n"));
    }
    text
}

/// Changes the crontab of the converging user.
pub(super) fn change(machine: &Machine<'_>, name: &str, wanted: Option<&str>) -> Result {
    let _alone = machine.exclusive("crontab");
    machine.invalidate::<Crontab>();
    let present = machine.snapshot::<Crontab>()?;
    let text = edited(&present.0, name, wanted);
    // What it prints may show a line, which may hold a secret.
    let mut crontab = Exec::new("crontab").arg("-").stdin(text.clone());
    if machine.is_sensitive(text.as_bytes()) {
        crontab = crontab.sensitive();
    }
    remedied(machine.run(&crontab)).map(|_| ())
}

fn remedied<T>(result: Result<T>) -> Result<T> {
    match result {
        Err(error) if matches!(error.downcast_ref(), Some(ExecError::NotFound { .. })) => {
            Err(error).hint("install cron: package `cron`")
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: Job<'_> = Job {
        name: "report",
        schedule: "5  4 * * sun",
        command: " date +%F | mail 'x' ",
        env: Vec::new(),
    };

    #[test]
    fn a_job_is_a_line_in_which_percent_is_itself() {
        let env = vec![("A", "b c"), ("EMPTY", ""), ("QUOTE", " it's ")];
        let job = Job { env, ..JOB };
        assert_eq!(
            job.file("app"),
            "# Job `report`, kept by togusa.\nA=b c\nEMPTY=\"\"\nQUOTE=\" it's \"\n\
             5 4 * * sun app date +\\%F | mail 'x'\n"
        );
        assert_eq!(
            job.lines(),
            "5 4 * * sun export A='b c'; export EMPTY=''; export QUOTE=' it'\\''s '; \
             date +\\%F | mail 'x'\n"
        );
    }

    #[test]
    fn what_cron_makes_of_a_line_is_undone_before() {
        for (command, line) in [
            (r"date +\%F", r"date +\\\%F"),
            (r"grep 'a\.b'", r"grep 'a\.b'"),
            (r"printf 'a\\nb\\'", r"printf 'a\\\\nb\\\\'"),
            (r"a %% \", r"a \%\% \"),
        ] {
            assert_eq!(Job::line(command), line);
        }
        let job = Job { env: vec![("BOTH", "\" it's \"")], command: "true", ..JOB };
        let line = "5 4 * * sun app export BOTH='\" it'\\''s \"'; true";
        assert_eq!(job.file("app").lines().nth(1), Some(line));
    }

    #[test]
    fn what_cron_would_cut_off_is_refused() {
        let (fits, long) = ("x".repeat(900), "%".repeat(600));
        let check = |command: &str, value: &str| {
            let env = vec![("A", value)];
            Job { command, env, ..JOB }.check_length().map_err(|error| format!("{error:#}"))
        };
        assert_eq!(check(&fits, &fits), Ok(()));
        assert!(check(&long, "").unwrap_err().contains("the command is too long"));
        assert!(check("", &long.repeat(2)).unwrap_err().contains("variable `A` is too long"));
    }

    #[test]
    fn only_the_lines_between_the_marks_are_changed() {
        let other = "MAILTO=me\n# togusa: begin other\n1 * * * * x\n# togusa: end other\n";
        let lines = JOB.lines();
        let with = edited(other, "report", Some(&lines));
        assert_eq!(with, format!("{other}# togusa: begin report\n{lines}# togusa: end report\n"));
        assert_eq!(lines_of(&with, "report").as_ref(), Some(&lines));
        assert_eq!(edited(&with, "report", Some(&lines)), with);
        assert_eq!(edited(&with, "report", None), other);
        assert_eq!(lines_of(other, "report"), None);
        let open = format!("# togusa: begin report\nold\n{other}");
        assert_eq!(
            edited(&open, "report", None),
            "# togusa: begin other\n1 * * * * x\n# togusa: end other\n"
        );
    }
}
