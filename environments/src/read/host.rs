//! One host: its own keys over the environment's, its roots, and their attributes.

use togusa_core::attributes::Reader;
use togusa_core::environment::{Connect, Host, Root};
use togusa_core::names::nearest;
use togusa_core::problem::{Problem, code};
use togusa_core::value::{Table, Value, ValueKind};

use super::keys::{self, optional, reader};
use super::roots::{Named, once_each};
use super::settings::Settings;
use super::words::HostAddress;
use crate::keys::Section;
use crate::level::LevelHost;

/// The keys that only mean something where OpenSSH connects.
const SSH_ONLY: &[&str] = &["user", "port", "ssh_config"];

/// All that a host is read from.
pub(crate) struct HostReader<'a> {
    pub(crate) name: &'a str,
    /// The host over all levels.
    pub(crate) level: &'a LevelHost,
    /// What the environment's own file says about the host; a base is judged when it is loaded.
    pub(crate) own: Option<&'a Table>,
    /// The attributes that hold on every host.
    pub(crate) components: &'a Table,
    /// The environment's settings.
    pub(crate) settings: &'a Settings,
}

impl HostReader<'_> {
    /// Reads the host; the flag says whether all of its components could be read.
    pub(crate) fn read(&self, problems: &mut Vec<Problem>) -> (Host, bool) {
        let table = &self.level.table;
        keys::no_others(table, Section::Host, keys::elsewhere_than_host, problems);
        let mut reader = reader(table);
        let settings = Settings::read(&mut reader).over(self.settings);
        let mut host = settings.into_host(self.name);
        host.address = optional::<HostAddress>(&mut reader, "address").map(|address| address.0);
        host.data = optional(&mut reader, "data").unwrap_or_default();
        host.ignore = optional(&mut reader, "ignore").unwrap_or_default();
        host.origin = self.level.origin.clone();
        let named = reader.optional::<Vec<Named>>("components", Vec::new);
        let attributes = attributes(&mut reader);
        problems.extend(reader.finish());

        let whole = named.is_some();
        host.roots = once_each(named.unwrap_or_default(), problems);
        for root in &mut host.roots {
            root.attributes = self.attributes_of(root, &attributes);
        }
        self.no_use_for_ssh(&host, problems);
        if whole {
            self.no_other_components(&host, problems);
        }
        (host, whole)
    }

    fn attributes_of(&self, root: &Root, attributes: &Table) -> Table {
        let name = root.name.as_str();
        let mut merged = match self.components.get(name) {
            Some(Value { kind: ValueKind::Table(table), .. }) => table.clone(),
            _ => Table::default(),
        };
        if let Some(Value { kind: ValueKind::Table(table), .. }) = attributes.get(name) {
            merged.merge(table);
        }
        merged
    }

    fn no_use_for_ssh(&self, host: &Host, problems: &mut Vec<Problem>) {
        let Some(own) = self.own.filter(|_| host.connect == Connect::Local) else { return };
        for key in SSH_ONLY {
            if let Some(entry) = own.0.get(*key) {
                problems.push(
                    Problem::new(
                        code::LOCAL_HOST_KEY,
                        format!("`{key}` has no meaning for a local host"),
                    )
                    .at(entry.name_origin.clone())
                    .hint(format!("remove `{key}`, or set `connect = \"ssh\"`")),
                );
            }
        }
    }

    fn no_other_components(&self, host: &Host, problems: &mut Vec<Problem>) {
        let Some(Value { kind: ValueKind::Table(table), .. }) =
            self.own.and_then(|own| own.get("attributes"))
        else {
            return;
        };
        let known: Vec<&str> = host.roots.iter().map(|root| root.name.as_str()).collect();
        for (name, entry) in &table.0 {
            if known.contains(&name.as_str()) {
                continue;
            }
            let problem = Problem::new(
                code::UNUSED_ATTRIBUTES,
                format!("the host has no component `{name}`"),
            )
            .at(entry.name_origin.clone())
            .on(&host.name);
            problems.push(match nearest(name, known.iter().copied()) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint(format!("add `{name}` to the host's `components`")),
            });
        }
    }
}

/// Reads the attributes by component, of which each must be a table.
fn attributes(host: &mut Reader<'_>) -> Table {
    let Some(Some(value)) = host.optional::<Option<Value>>("attributes", || None) else {
        return Table::default();
    };
    let read = host.part("attributes", |host| {
        let ValueKind::Table(table) = &value.kind else {
            host.mismatch("a table", &value);
            return None;
        };
        for (name, entry) in &table.0 {
            if !matches!(entry.value.kind, ValueKind::Table(_)) {
                host.part(name, |host| {
                    host.mismatch("a table", &entry.value);
                    None::<()>
                });
            }
        }
        Some(table.clone())
    });
    read.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::tests::check;

    #[test]
    fn a_host_has_data_and_can_be_ignored() {
        assert_eq!(
            check("[hosts.a]\ndata = { rack = 'b4', n = [1, 2.5] }\nignore = true"),
            "a data={\"n\":[1,2.5],\"rack\":\"b4\"} ignore=true"
        );
        assert_eq!(
            check("[hosts.a]\ndata = 1\nignore = 'yes'"),
            "2:8: key `data`: expected a table, found an integer (1)\n\
             3:10: key `ignore`: expected a boolean, found a string (\"yes\")"
        );
    }

    #[test]
    fn attributes_of_a_component_that_the_host_lacks_name_the_nearest() {
        assert_eq!(
            check(
                "[hosts.a]\ncomponents = ['app']\n\
                 [hosts.a.attributes.ap]\nx = 1\n[hosts.a.attributes.zebra]\n"
            ),
            "3:21: the host has no component `ap` (on a)\n  hint: did you mean `app`?\n\
             5:21: the host has no component `zebra` (on a)\n  \
             hint: add `zebra` to the host's `components`"
        );
    }

    #[test]
    fn a_range_may_set_attributes_that_one_of_its_hosts_has_no_use_for() {
        assert_eq!(
            check(
                "[hosts.'a[1-2]']\ncomponents = ['app']\nattributes.app.x = 1\n\
                 [hosts.a2]\ncomponents = ['db']"
            ),
            "a1 app{\"x\":1}\na2 db"
        );
    }

    #[test]
    fn attributes_are_tables_by_component() {
        assert_eq!(
            check("[hosts.a]\ncomponents = ['app']\nattributes.app = 1\n[hosts.b]\nattributes = 2"),
            "3:18: key `attributes.app`: expected a table, found an integer (1)\n\
             5:14: key `attributes`: expected a table, found an integer (2)"
        );
    }

    #[test]
    fn ssh_keys_of_a_local_host_are_an_error_but_may_stand_in_the_environment() {
        assert_eq!(
            check(
                "[environment]\nconnect = 'local'\nuser = 'x'\nport = 1\nssh_config = 'y'\n\
                 [hosts.a]\nuser = 'x'\nport = 1\nssh_config = 'y'\n[hosts.b]\nconnect = 'ssh'\nport = 2"
            ),
            "7:1: `user` has no meaning for a local host\n  \
             hint: remove `user`, or set `connect = \"ssh\"`\n\
             8:1: `port` has no meaning for a local host\n  \
             hint: remove `port`, or set `connect = \"ssh\"`\n\
             9:1: `ssh_config` has no meaning for a local host\n  \
             hint: remove `ssh_config`, or set `connect = \"ssh\"`"
        );
        assert_eq!(
            check("[environment]\nconnect = 'local'\nuser = 'x'\n[hosts.a]"),
            "a connect=local user=x"
        );
    }

    #[test]
    fn unknown_keys_are_told_where_they_belong() {
        assert_eq!(
            check(
                "[environment]\nusr = 1\nignore = true\nhosts = 1\n\
                 [hosts.a]\nconfirm = true\ncomponent = []\n[hosts.web1.example]\n"
            ),
            "2:1: unknown key `usr`\n  hint: did you mean `user`?\n\
             3:1: unknown key `ignore`\n  hint: `ignore` belongs in `[hosts.NAME]`\n\
             4:1: unknown key `hosts`\n  hint: `hosts` belongs at the top of the file\n\
             6:1: unknown key `confirm`\n  hint: `confirm` belongs in `[environment]`\n\
             7:1: unknown key `component`\n  hint: did you mean `components`?\n\
             8:13: unknown key `example`\n  hint: attributes belong in \
             `[hosts.NAME.attributes.example]`; quote a host's name that holds dots"
        );
    }
}
