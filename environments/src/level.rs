//! One file as it stands: its sections, with ranges of hosts spread over the hosts they name, and
//! the secrets beside it.

mod secrets;
mod spread;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use togusa_core::attributes::Reader;
use togusa_core::problem::{Problem, code};
use togusa_core::secret::Secret;
use togusa_core::value::{Origin, Table, ValueKind};

use crate::keys::Section;
use crate::read::keys::{self, optional, reader};

/// What one file says, or several laid over each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level {
    /// The environment to start from, and where it is named.
    pub(crate) extends: Option<(String, Option<Origin>)>,
    pub(crate) environment: Table,
    pub(crate) hosts: IndexMap<String, LevelHost>,
    /// Whether hosts are missing because of a mistake.
    pub(crate) hosts_unreadable: bool,
    pub(crate) components: Table,
    pub(crate) addresses: Table,
    pub(crate) rollouts: Table,
    /// Whole files that are secret, by name.
    pub(crate) secret_files: BTreeMap<String, Secret<Vec<u8>>>,
}

/// A host as one file gives it, or several laid over each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct LevelHost {
    pub(crate) origin: Option<Origin>,
    pub(crate) table: Table,
    /// The most exact of the file's tables that name the host, without the range around it.
    pub(crate) own: Table,
    /// Where the file says that the host leaves the environment.
    pub(crate) removed_at: Option<Option<Origin>>,
    /// Whether nothing but secrets names the host.
    pub(crate) only_secrets: bool,
}

impl Level {
    /// Splits a document into its sections.
    pub(crate) fn read(document: &Table, problems: &mut Vec<Problem>) -> Self {
        keys::no_others(document, Section::Top, keys::elsewhere_than_top, problems);
        let mut reader = reader(document);
        let extends = optional::<String>(&mut reader, "extends")
            .map(|name| (name, document.get("extends").and_then(|value| value.origin.clone())));
        let environment: Table = optional(&mut reader, "environment").unwrap_or_default();
        let addresses = optional(&mut reader, "addresses").unwrap_or_default();
        let written = tables(&mut reader, "hosts");
        let components = tables(&mut reader, "components").table;
        let rollouts = tables(&mut reader, "rollout").table;
        problems.extend(reader.finish());

        one_user(&environment, problems);
        for (_, entry) in &written.table.0 {
            if let ValueKind::Table(table) = &entry.value.kind {
                one_user(table, problems);
            }
        }
        let (hosts, complete) = spread::hosts(&written.table, problems);
        let base_unreadable = extends.is_none() && document.get("extends").is_some();
        let hosts_unreadable = written.incomplete || !complete || base_unreadable;
        let secret_files = BTreeMap::new();
        Self {
            extends,
            environment,
            hosts,
            hosts_unreadable,
            components,
            addresses,
            rollouts,
            secret_files,
        }
    }
}

struct Tables {
    table: Table,
    incomplete: bool,
}

/// Reads a section that holds nothing but tables.
fn tables(reader: &mut Reader<'_>, section: &str) -> Tables {
    let Some(value) = reader.optional::<Option<togusa_core::value::Value>>(section, || None) else {
        return Tables { table: Table::default(), incomplete: true };
    };
    let Some(value) = value else {
        return Tables { table: Table::default(), incomplete: false };
    };
    let mut kept = Table::default();
    let mut incomplete = false;
    reader.part(section, |reader| {
        let ValueKind::Table(table) = value.kind else {
            reader.mismatch("a table", &value);
            incomplete = true;
            return None::<()>;
        };
        for (name, entry) in table.0 {
            if matches!(entry.value.kind, ValueKind::Table(_)) {
                kept.0.insert(name, entry);
            } else {
                incomplete = true;
                reader.part(&name, |reader| {
                    reader.mismatch("a table", &entry.value);
                    None::<()>
                });
            }
        }
        None
    });
    Tables { table: kept, incomplete }
}

/// Refuses two answers to the question which user converges, side by side in one table.
fn one_user(table: &Table, problems: &mut Vec<Problem>) {
    let sudo = table.get("sudo").filter(|value| value.kind == ValueKind::Boolean(true));
    if let (Some(sudo), Some(entry)) = (sudo, table.0.get("service_user")) {
        let at = sudo.origin.as_ref().map(|origin| format!(" at {origin}")).unwrap_or_default();
        problems.push(
            Problem::new(
                code::SUDO_AND_USER,
                format!("`service_user` stands beside `sudo = true`{at}"),
            )
            .at(entry.name_origin.clone())
            .hint("converge as root with `sudo`, or as another user with `service_user`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::check;

    #[test]
    fn keys_at_the_top_that_belong_elsewhere_are_told_where() {
        assert_eq!(
            check("jobs = 1\nignore = true\n[host.a]\n[hosts.a]"),
            "1:1: unknown key `jobs`\n  hint: `jobs` belongs in `[environment]`\n\
             2:1: unknown key `ignore`\n  hint: `ignore` belongs in `[hosts.NAME]`\n\
             3:2: unknown key `host`\n  hint: did you mean `hosts`?"
        );
    }

    #[test]
    fn sections_that_are_no_tables_are_told_with_what_was_found() {
        assert_eq!(
            check("extends = 1\nenvironment = 2\nhosts = [3]\ncomponents = 'x'\naddresses = true"),
            "1:11: key `extends`: expected a string, found an integer (1)\n\
             2:15: key `environment`: expected a table, found an integer (2)\n\
             3:9: key `hosts`: expected a table, found an array of 1\n\
             4:14: key `components`: expected a table, found a string (\"x\")\n\
             5:13: key `addresses`: expected a table, found a boolean (true)"
        );
    }

    #[test]
    fn hosts_and_components_that_are_no_tables_are_each_told() {
        assert_eq!(
            check("hosts.a = 1\nhosts.b = {}\nhosts.c = []\ncomponents.x = 2"),
            "1:11: key `hosts.a`: expected a table, found an integer (1)\n\
             3:11: key `hosts.c`: expected a table, found an array of 0\n\
             4:16: key `components.x`: expected a table, found an integer (2)"
        );
    }

    #[test]
    fn sudo_and_a_service_user_on_one_level_are_an_error() {
        let hint = "hint: converge as root with `sudo`, or as another user with `service_user`";
        assert_eq!(
            check(
                "[environment]\nsudo = true\nservice_user = 'x'\n\
                 [hosts.'a[1-2]']\nservice_user = 'x'\nsudo = true\n\
                 [hosts.b]\nservice_user = 'x'\nsudo = false"
            ),
            format!(
                "3:1: `service_user` stands beside `sudo = true` at dev:2:8\n  {hint}\n\
                 5:1: `service_user` stands beside `sudo = true` at dev:6:8\n  {hint}"
            )
        );
    }
}
