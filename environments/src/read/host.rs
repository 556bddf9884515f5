//! One host: its own keys over the environment's, its roots, and their attributes.

use togusa_core::attributes::Reader;
use togusa_core::environment::{Connect, Host, Root};
use togusa_core::names::nearest;
use togusa_core::problem::Problem;
use togusa_core::value::{Table, Value, ValueKind};

use super::keys::{self, optional, reader};
use super::roots::{Named, once_each};
use super::settings::Settings;
use super::words::HostAddress;
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
        keys::no_others(table, keys::HOST, keys::elsewhere_than_host, problems);
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
                    Problem::new(format!("`{key}` has no meaning for a local host"))
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
            let problem = Problem::new(format!("the host has no component `{name}`"))
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
