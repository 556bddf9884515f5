//! The text of a job, in a file of its own or in a crontab.

use togusa_core::host::{ExecError, Snapshot};
use togusa_core::prelude::*;

/// Variables that tell cron something: in a crontab they count for all jobs that follow.
pub(super) const SPECIAL: [&str; 6] =
    ["MAILTO", "MAILFROM", "SHELL", "CRON_TZ", "RANDOM_DELAY", "CONTENT_TYPE"];

/// A job as it was given.
pub(super) struct Job<'a> {
    pub(super) name: &'a str,
    pub(super) schedule: &'a str,
    pub(super) command: &'a str,
    pub(super) env: Vec<(&'a str, &'a str)>,
}

impl Job<'_> {
    /// What cron runs: to it an unescaped `%` is the end of a line.
    fn line(command: &str) -> String {
        command.trim().replace('%', "\\%")
    }

    /// The schedule with one space between its fields.
    fn when(&self) -> String {
        self.schedule.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// A file below `/etc/cron.d`.
    pub(super) fn file(&self, user: &str) -> String {
        let env = self.env.iter().map(|(name, value)| format!("{name}={}\n", quoted(value)));
        let (env, when, line) = (env.collect::<String>(), self.when(), Self::line(self.command));
        format!("# Job `{}`, kept by togusa.\n{env}{when} {user} {line}\n", self.name)
    }

    /// The lines in a crontab, where a variable must not reach the jobs below.
    pub(super) fn lines(&self) -> String {
        let shell = |value: &str| format!("'{}'", value.replace('\'', r"'\''"));
        let env = self.env.iter().map(|(name, value)| format!("export {name}={}; ", shell(value)));
        let command = format!("{}{}", env.collect::<String>(), self.command.trim());
        format!("{} {}\n", self.when(), Self::line(&command))
    }
}

/// The value of a variable, which cron strips of spaces unless they are quoted.
fn quoted(value: &str) -> String {
    let is_plain = value.trim() == value && !value.is_empty() && !value.starts_with(['"', '\'']);
    match (is_plain, value.contains('"')) {
        (true, _) => value.to_owned(),
        (false, false) => format!("\"{value}\""),
        (false, true) => format!("'{value}'"),
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
        ensure!(said.contains("no crontab"), "`crontab -l` failed: {}", said.trim());
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
