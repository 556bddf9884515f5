//! When a job runs.

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

/// The words that stand for all five fields.
const WORDS: [&str; 8] =
    ["@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A field: its name, its least and greatest number, and names that stand for numbers.
struct Field {
    name: &'static str,
    least: u32,
    greatest: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, greatest: 59, names: &[] },
    Field { name: "hour", least: 0, greatest: 23, names: &[] },
    Field { name: "day of the month", least: 1, greatest: 31, names: &[] },
    Field { name: "month", least: 1, greatest: 12, names: &MONTHS },
    // Sunday is 0 and 7.
    Field { name: "day of the week", least: 0, greatest: 7, names: &DAYS },
];

/// Refuses what cron would not run, which it tells its own log alone.
pub(super) fn check(schedule: &str) -> Result {
    let fields: Vec<_> = schedule.split_whitespace().collect();
    if let [word] = fields[..]
        && WORDS.contains(&word)
    {
        return Ok(());
    }
    let failed = || format!("`{schedule}` is no schedule of cron");
    let hint = "write five fields, minute, hour, day of the month, month and day of the week, such \
                as `30 2 * * mon-fri`, or a word like `@daily`";
    if fields.len() != FIELDS.len() {
        return Err(fault!(code::CRON_SCHEDULE, "it has {} fields, not five", fields.len()))
            .with_context(failed)
            .hint(hint);
    }
    let parts = FIELDS.iter().zip(&fields).map(|(field, text)| field.check(text));
    parts.collect::<Result<()>>().with_context(failed).hint(hint)
}

impl Field {
    fn check(&self, text: &str) -> Result {
        text.split(',').try_for_each(|part| self.check_part(part))
    }

    /// `*`, a number, a name or a range of them, and a step.
    fn check_part(&self, part: &str) -> Result {
        let (range, step) = part.split_once('/').map_or((part, None), |(a, b)| (a, Some(b)));
        let wrong = || format!("`{part}` cannot be the {}", self.name);
        if let Some(step) = step {
            let step = step.parse::<u32>().ok().filter(|step| *step > 0);
            step.with_context(|| format!("{}: the step is no number", wrong()))?;
        }
        if range == "*" {
            return Ok(());
        }
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (self.number(from), self.number(to)),
            None => {
                demand!(
                    step.is_none(),
                    code::CRON_SCHEDULE,
                    "{}: a step needs `*` or a range",
                    wrong()
                );
                (self.number(range), self.number(range))
            }
        };
        let (least, greatest) = (self.least, self.greatest);
        let (from, to) = from
            .zip(to)
            .with_context(|| format!("{}: it is from {least} to {greatest}", wrong()))?;
        demand!(from <= to, code::CRON_SCHEDULE, "{}: the range ends before it begins", wrong());
        Ok(())
    }

    fn number(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| text.eq_ignore_ascii_case(name));
        let named = named.and_then(|at| u32::try_from(at).ok()).map(|at| at + self.least);
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = named.or_else(|| text.parse().ok().filter(|_| is_number))?;
        (self.least..=self.greatest).contains(&number).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_that_cron_runs_are_taken() {
        for schedule in [
            "* * * * *",
            "0 0 1 1 0",
            "59 23 31 12 7",
            "*/5 1-5/2 1,15 jan,JUL mon-fri",
            "  0\t12 * * sun ",
            "@daily",
            "@reboot",
        ] {
            check(schedule).unwrap_or_else(|error| panic!("{schedule}: {error:#}"));
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_field() {
        for (schedule, words) in [
            ("", "it has 0 fields"),
            ("* * * *", "it has 4 fields"),
            ("@never", "it has 1 fields"),
            ("60 * * * *", "`60` cannot be the minute: it is from 0 to 59"),
            ("* 24 * * *", "`24` cannot be the hour"),
            ("* * 0 * *", "`0` cannot be the day of the month"),
            ("* * * 13 *", "`13` cannot be the month"),
            ("* * * * 8", "`8` cannot be the day of the week"),
            ("* * * mon *", "`mon` cannot be the month"),
            ("5-1 * * * *", "`5-1` cannot be the minute: the range ends"),
            ("*/0 * * * *", "the step is no number"),
            ("5/5 * * * *", "a step needs"),
            ("1, * * * *", "`` cannot be the minute"),
            ("+5 * * * *", "`+5` cannot be the minute"),
            ("-1 * * * *", "`-1` cannot be the minute"),
            ("é * * * *", "`é` cannot be the minute"),
        ] {
            let error = format!("{:#}", check(schedule).unwrap_err());
            assert!(error.contains(words), "{schedule}: {error}");
        }
    }
}
