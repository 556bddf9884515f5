//! `[rollout.NAME]`: how components roll over their hosts.

use std::time::Duration;

use togusa_core::attributes::{FromValue, Reader};
use togusa_core::environment::Environment;
use togusa_core::problem::{Problem, code};
use togusa_core::rollout::{self, Amount, Rollout};
use togusa_core::value::{Table, Value, ValueKind};

use super::keys::{self, optional, reader};
use super::words::{Timeout, Word};
use crate::extends::Merged;
use crate::keys::Section;

/// Reads the section; `complete` says whether all hosts are there that its numbers are compared with.
pub(crate) fn rollouts(
    merged: &Merged,
    complete: bool,
    environment: &mut Environment,
    problems: &mut Vec<Problem>,
) {
    let mut found = Vec::new();
    for (name, entry) in &merged.all.rollouts.0 {
        let ValueKind::Table(table) = &entry.value.kind else { continue };
        let own = merged.own.rollouts.0.get(name);
        let mut rollout = read(table, &mut found);
        rollout.origin = own.unwrap_or(entry).name_origin.clone();
        let mut roots = environment.hosts.values().flat_map(|host| &host.roots);
        // A base may roll what none of these hosts has.
        if roots.any(|root| root.name.as_str() == name) {
            environment.rollouts.insert(name.as_str().into(), rollout);
        }
    }
    if complete && found.is_empty() {
        found = rollout::problems(environment);
    }
    problems.extend(found);
}

fn read(table: &Table, problems: &mut Vec<Problem>) -> Rollout {
    keys::no_others(table, Section::Rollout, keys::elsewhere_than_rollout, problems);
    let mut reader = reader(table);
    let default = Rollout::default();
    let mut amount = |name| optional::<Share>(&mut reader, name).map(|share| share.0);
    let (minimum_up, max_failed) = (amount("minimum_up"), amount("max_failed"));
    let rollout = Rollout {
        batch: optional::<Batch>(&mut reader, "batch").map_or(default.batch, |batch| batch.0),
        minimum_up,
        max_failed: max_failed.unwrap_or(default.max_failed),
        settle: optional::<Duration>(&mut reader, "settle").unwrap_or(default.settle),
        timeout: optional::<Timeout>(&mut reader, "timeout").map_or(default.timeout, |it| it.0),
        confirm: optional::<Canary>(&mut reader, "confirm").is_some(),
        group: optional::<Word>(&mut reader, "group").map(|word| word.0),
        once: optional(&mut reader, "once").unwrap_or_default(),
        origin: None,
    };
    problems.extend(reader.finish());
    if rollout.once {
        once_alone(table, problems);
    }
    rollout
}

/// Refuses what is said of rolling a component that is not rolled.
fn once_alone(table: &Table, problems: &mut Vec<Problem>) {
    let once = table.get("once").and_then(|once| once.origin.as_ref());
    let at = once.map(|origin| format!(" at {origin}")).unwrap_or_default();
    let others = table.0.iter().filter(|(name, _)| *name != "once" && Section::Rollout.has(name));
    problems.extend(others.map(|(name, entry)| {
        Problem::new(code::ROLLOUT_SETTING, format!("`{name}` stands beside `once = true`{at}"))
            .at(entry.name_origin.clone())
            .hint("what converges on one host for all is not rolled: keep one of the two")
    }));
}

/// A number, or a share of 1 to 100 percent.
struct Share(Amount);

/// One size of a batch, from 1.
struct Size(Amount);

/// The sizes of the batches, one after the other; at least one.
struct Batch(Vec<Amount>);

/// That the first batch is to be confirmed.
struct Canary;

impl FromValue for Share {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        amount(value, 0, "a number or a share such as \"25%\"", reader).map(Self)
    }

    fn type_name() -> String {
        "number or share".into()
    }
}

impl FromValue for Size {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        amount(value, 1, "a number or a share such as \"25%\"", reader).map(Self)
    }

    fn type_name() -> String {
        "number from 1 or share".into()
    }
}

impl FromValue for Batch {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let ValueKind::Array(sizes) = &value.kind else {
            let expected = "a number, a share such as \"25%\", or an array of these";
            return amount(value, 1, expected, reader).map(|amount| Self(vec![amount]));
        };
        if sizes.is_empty() {
            reader.refuse(value, "it holds no batch");
            return None;
        }
        let sizes = Vec::<Size>::from_value(value, reader)?;
        Some(Self(sizes.into_iter().map(|size| size.0).collect()))
    }

    fn type_name() -> String {
        "number from 1, share, or array of these".into()
    }
}

impl FromValue for Canary {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        match &value.kind {
            ValueKind::String(text) if text == "canary" => Some(Self),
            _ => {
                reader.mismatch("\"canary\"", value);
                None
            }
        }
    }

    fn type_name() -> String {
        "\"canary\"".into()
    }
}

fn amount(value: &Value, least: i64, expected: &str, reader: &mut Reader<'_>) -> Option<Amount> {
    match &value.kind {
        ValueKind::Integer(number) if *number < least => {
            reader.refuse(value, format!("{number} is less than {least}"));
            None
        }
        ValueKind::Integer(_) => usize::from_value(value, reader).map(Amount::Count),
        ValueKind::String(text) => {
            let share = share(text);
            if share.is_none() {
                reader.refuse(value, format!("{text:?} is no share from \"1%\" to \"100%\""));
            }
            share.map(Amount::Percent)
        }
        _ => {
            reader.mismatch(expected, value);
            None
        }
    }
}

fn share(text: &str) -> Option<u8> {
    let percent: u8 = text.strip_suffix('%')?.parse().ok()?;
    // One way to write a number, as TOML has it: neither `025%` nor `+25%`.
    let plain = (1..=100).contains(&percent) && text == format!("{percent}%");
    plain.then_some(percent)
}

#[cfg(test)]
mod tests {
    use crate::tests::{check, check_project};

    const HOSTS: &str = "[hosts.'app[1-4]']\ncomponents = ['app']\n";

    fn rolled(text: &str) -> String {
        let told = check(&format!("{HOSTS}[rollout.app]\n{text}"));
        told.replace("\napp1 app\napp2 app\napp3 app\napp4 app", "")
    }

    #[test]
    fn a_rollout_has_its_settings_or_the_defaults() {
        assert_eq!(
            rolled(
                "batch = [1, '25%']\nminimum_up = '75%'\nmax_failed = '10%'\nsettle = '0s'\n\
                 timeout = '5m'\nconfirm = 'canary'\ngroup = 'front'\nonce = false"
            ),
            "app: batch 1 25% minimum 75% failed 10% settle 0ns timeout 300s confirm group front"
        );
        assert_eq!(rolled(""), "app: batch 1 failed 0 settle 10s timeout 120s");
        assert_eq!(rolled("once = true"), "app: batch 1 failed 0 settle 10s timeout 120s once");
        for (batch, minimum) in [("2", "0"), ("'50%'", "2"), ("['1%', 2]", "'1%'")] {
            let told = rolled(&format!("batch = {batch}\nminimum_up = {minimum}"));
            assert!(told.starts_with("app: batch "), "{batch}: {told}");
        }
    }

    #[test]
    fn numbers_shares_and_words_are_told_what_is_wrong_with_them() {
        assert_eq!(
            rolled(
                "batch = 0\nminimum_up = -1\nmax_failed = '0%'\nsettle = 3\ntimeout = '0s'\n\
                 confirm = true\ngroup = 'a b'\nonce = 1"
            ),
            "4:9: key `batch`: 0 is less than 1\n\
             5:14: key `minimum_up`: -1 is less than 0\n\
             6:14: key `max_failed`: \"0%\" is no share from \"1%\" to \"100%\"\n\
             7:10: key `settle`: expected a duration such as \"10s\", found an integer (3)\n\
             8:11: key `timeout`: it is no time at all\n\
             9:11: key `confirm`: expected \"canary\", found a boolean (true)\n\
             10:9: key `group`: \"a b\" holds blanks or starts with `-`\n\
             11:8: key `once`: expected a boolean, found an integer (1)"
        );
        for wrong in ["0%", "101%", "256%", "25", "25 %", "+25%", "025%", "%", "-1%", "2.5%"] {
            let told = rolled(&format!("batch = ['{wrong}']"));
            let expected =
                format!("4:10: key `batch.0`: \"{wrong}\" is no share from \"1%\" to \"100%\"");
            assert_eq!(told, expected);
        }
        assert_eq!(rolled("batch = []"), "4:9: key `batch`: it holds no batch");
        assert_eq!(
            rolled("batch = [1, 0, 1.5]"),
            "4:13: key `batch.1`: 0 is less than 1\n\
             4:16: key `batch.2`: expected a number or a share such as \"25%\", found a float (1.5)"
        );
        assert_eq!(
            rolled("batch = true"),
            "4:9: key `batch`: expected a number, a share such as \"25%\", or an array of these, \
             found a boolean (true)"
        );
    }

    #[test]
    fn what_runs_once_is_not_rolled() {
        let hint = "hint: what converges on one host for all is not rolled: keep one of the two";
        assert_eq!(
            rolled("batch = 2\nonce = true\ngroup = 'x'"),
            format!(
                "4:1: `batch` stands beside `once = true` at dev:5:8\n  {hint}\n\
                 6:1: `group` stands beside `once = true` at dev:5:8\n  {hint}"
            )
        );
    }

    #[test]
    fn unknown_keys_and_those_of_other_sections_are_told_where_they_belong() {
        assert_eq!(
            rolled("batsh = 1\njobs = 2\nignore = true"),
            "4:1: unknown key `batsh`\n  hint: did you mean `batch`?\n\
             5:1: unknown key `jobs`\n  hint: `jobs` belongs in `[environment]`\n\
             6:1: unknown key `ignore`\n  hint: `ignore` belongs in `[hosts.NAME]`"
        );
        let belongs = "unknown key `batch`\n  hint: `batch` belongs in `[rollout.NAME]`";
        assert_eq!(check("batch = 1\n[hosts.a]"), format!("1:1: {belongs}"));
        assert_eq!(check("[environment]\nbatch = 1\n[hosts.a]"), format!("2:1: {belongs}"));
        assert_eq!(check("[hosts.a]\nbatch = 1"), format!("2:1: {belongs}"));
        assert_eq!(
            check("rollout.batch = 1\n[hosts.a]"),
            "1:17: key `rollout.batch`: expected a table, found an integer (1)"
        );
    }

    #[test]
    fn a_rollout_of_a_component_that_no_host_has_is_an_error_with_the_nearest() {
        assert_eq!(
            check("[hosts.a]\ncomponents = ['app']\n[rollout.ap]\n[rollout.zebra]"),
            "3:10: no host has component `ap`\n  hint: did you mean `app`?\n\
             4:10: no host has component `zebra`\n  \
             hint: add it to the `components` of a host, or remove the section"
        );
        let base = "[hosts.a]\ncomponents = ['app']\n[rollout.app]\n";
        let dev = "extends = 'base'\n[hosts.a]\ncomponents = ['db']";
        assert_eq!(check_project(&[("base", base), ("dev", dev)]), "a db");
    }

    #[test]
    fn batches_that_leave_too_few_up_are_an_error_where_the_rollout_stands() {
        assert_eq!(
            rolled("batch = 2\nminimum_up = '75%'"),
            "3:10: a batch takes 2 of 4 instances, but `minimum_up` keeps 3 of them up\n  \
             hint: at most 1 of them may be down: take smaller batches, or lower `minimum_up`"
        );
        assert_eq!(
            check("[hosts.a]\ncomponents = ['app']\n[rollout.app]"),
            "app: batch 1 failed 0 settle 10s timeout 120s\na app"
        );
        let base = format!("{HOSTS}[rollout.app]\nminimum_up = 3");
        let dev = "extends = 'base'\n[rollout.app]\nbatch = 2";
        let told = check_project(&[("base", &base), ("dev", dev)]);
        assert!(told.starts_with("dev:2:10: a batch takes 2 of 4"), "{told}");
        let told = check_project(&[
            ("base", &base),
            ("dev", "extends = 'base'\n[hosts.app4]\nremove = true"),
        ]);
        assert!(told.starts_with("base:3:10: a batch takes 1 of 3"), "{told}");
    }

    #[test]
    fn what_is_wrong_elsewhere_makes_no_second_mistake() {
        assert_eq!(
            check("[hosts.a]\ncomponents = 1\n[rollout.app]\nminimum_up = 9"),
            "2:14: key `components`: expected an array, found an integer (1)"
        );
        assert_eq!(
            rolled("batch = 3\nminimum_up = 'x'"),
            "5:14: key `minimum_up`: \"x\" is no share from \"1%\" to \"100%\""
        );
    }

    #[test]
    fn rollouts_are_laid_over_those_of_the_base_key_by_key() {
        let base = format!("{HOSTS}[rollout.app]\nbatch = [1, 2]\nsettle = '3s'");
        let dev = |text: &str| {
            let dev = format!("extends = 'base'\n[rollout.app]\n{text}");
            let told = check_project(&[("base", &base), ("dev", &dev)]);
            told.lines().next().map(str::to_owned).unwrap()
        };
        assert_eq!(dev("batch = 1"), "app: batch 1 failed 0 settle 3s timeout 120s");
        assert_eq!(dev("once = true"), "app: batch 1 failed 0 settle 10s timeout 120s once");
        let base = format!("{HOSTS}[rollout.app]\nonce = true");
        let dev = "extends = 'base'\n[rollout.app]\nbatch = 1";
        let told = check_project(&[("base", &base), ("dev", dev)]);
        assert!(
            told.starts_with("dev:3:1: `batch` stands beside `once = true` at base:4:8"),
            "{told}"
        );
    }
}
