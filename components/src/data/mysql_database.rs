//! Databases of MariaDB and MySQL.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::mysql::{self, Facts, LONGEST_NAME, check_name, identifier};

/// One database of the MariaDB or MySQL server on this host.
///
/// | attribute | default |
/// |---|---|
/// | `character_set`, `collation` | of a new database those of the server; else left as they are |
///
/// They are what new tables get; tables that are there keep theirs. A collation without a character
/// set takes its own with it.
///
/// `verify` reads all databases of the server by one query. `update` creates the database, or alters
/// what differs. The server is reached by its socket, through `mariadb` or `mysql`, which reads its
/// statements from its standard input, and where the socket is and whom to log in as from the option
/// files of the converging user (`~/.my.cnf`, `/etc/mysql`). The server knows root without a password
/// (`unix_socket`, `auth_socket`). A sandbox maps nothing of it. All of this is tried out with MariaDB
/// 10.11; MySQL 8 documents the same statements and tables.
///
/// **Needs**: `mariadb` or `mysql`; root, or another account that the server takes by the socket.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(MysqlDatabase::new("shop").character_set("utf8mb4").collation("utf8mb4_bin"));
///     scope.add(MysqlDatabase::new("shop_2019").absent_losing_all_data());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct MysqlDatabase {
    name: String,
    absent: bool,
    character_set: Option<String>,
    collation: Option<String>,
}

/// All databases of a server.
type Databases = BTreeMap<String, State>;

/// A database that is there.
#[derive(Deserialize)]
pub(super) struct State {
    name: String,
    character_set: String,
    collation: String,
}

impl Facts for Databases {
    const QUERY: &'static str = "\
SELECT JSON_OBJECT('name', SCHEMA_NAME, 'character_set', DEFAULT_CHARACTER_SET_NAME,
    'collation', DEFAULT_COLLATION_NAME)
FROM information_schema.SCHEMATA;";

    type Row = State;

    fn of(rows: Vec<State>) -> Self {
        rows.into_iter().map(|state| (state.name.clone(), state)).collect()
    }
}

/// What the server itself lives of.
const OF_THE_SERVER: [&str; 4] = ["mysql", "information_schema", "performance_schema", "sys"];

impl MysqlDatabase {
    /// A database of this name, taken as it is, capital letters too.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), absent: false, character_set: None, collation: None }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Drops the database. All that it holds is lost, whoever is connected.
    #[must_use]
    pub fn absent_losing_all_data(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Sets the character set of new tables, such as `utf8mb4`.
    #[must_use]
    pub fn character_set(mut self, name: impl Into<String>) -> Self {
        self.character_set = Some(name.into());
        self
    }

    /// Sets the collation of new tables, by which texts are sorted and compared, such as
    /// `utf8mb4_bin`.
    #[must_use]
    pub fn collation(mut self, name: impl Into<String>) -> Self {
        self.collation = Some(name.into());
        self
    }

    /// Every difference, and the one statement that mends them.
    fn differences(&self, databases: &Databases) -> (Vec<Change>, Option<String>) {
        let database = identifier(&self.name);
        let present = databases.get(&self.name);
        if self.absent {
            let drop = present.map(|_| format!("DROP DATABASE {database}"));
            let changes = drop.iter().map(|_| Change::remove("database with all its data"));
            return (changes.collect(), drop);
        }
        let [set, collation] = [&self.character_set, &self.collation];
        let options = |set: bool, collation: bool| {
            let words = [("CHARACTER SET", &self.character_set, set)];
            let words = words.into_iter().chain([("COLLATE", &self.collation, collation)]);
            let words = words.filter(|(_, _, asked)| *asked);
            words
                .filter_map(|(word, value, _)| Some(format!(" {word} {}", value.as_ref()?)))
                .collect()
        };
        let Some(present) = present else {
            let parts = [("character set", set), ("collation", collation)].into_iter();
            let parts =
                parts.filter_map(|(what, value)| Some(format!("{what} {}", value.as_ref()?)));
            let parts = parts.collect::<Vec<_>>().join(", ");
            let parts = if parts.is_empty() { parts } else { format!(" ({parts})") };
            let options: String = options(true, true);
            let create = format!("CREATE DATABASE {database}{options}");
            return (vec![Change::create(format!("database{parts}"))], Some(create));
        };
        let mut changes = Vec::new();
        let other_set = set.as_ref().filter(|set| !same(set, &present.character_set));
        let other_collation = collation.as_ref().filter(|collation| {
            // Since MariaDB 10.10 a collation may be named without its character set.
            let long = format!("{}_{collation}", present.character_set);
            !same(collation, &present.collation) && !same(&long, &present.collation)
        });
        if let Some(set) = other_set {
            changes.push(Change::property("character set", &present.character_set, set));
        }
        if let Some(collation) = other_collation {
            changes.push(Change::property("collation", &present.collation, collation));
        }
        // A character set alone brings its own collation.
        let options: String = options(other_set.is_some(), collation.is_some());
        let alter = format!("ALTER DATABASE {database}{options}");
        let alter = (!changes.is_empty()).then_some(alter);
        (changes, alter)
    }
}

/// Whether two names of a character set or a collation mean the same: older servers say `utf8`.
fn same(one: &str, other: &str) -> bool {
    let plain = |name: &str| {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix("utf8") {
            Some(rest) if rest.is_empty() || rest.starts_with('_') => format!("utf8mb3{rest}"),
            _ => name,
        }
    };
    plain(one) == plain(other)
}

/// Refuses what is no name, or one that means another thing on the next server.
fn check_word(what: &str, word: &str) -> Result {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(fault!(code::OPTION_VALUE, "`{word}` is no {what}")).hint(format!(
            "`SELECT * FROM information_schema.{}S` lists all",
            what.replace(' ', "_").to_uppercase()
        ));
    }
    let lower = word.to_ascii_lowercase();
    if lower == "utf8" || lower.starts_with("utf8_") {
        let rest = &word[4..];
        return Err(fault!(code::OPTION_VALUE, "`{word}` means one thing here and another there"))
            .hint(format!("write `utf8mb4{rest}` for all of Unicode, or `utf8mb3{rest}`"));
    }
    Ok(())
}

impl Component for MysqlDatabase {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        check_name("database", &self.name, LONGEST_NAME)?;
        self.character_set.iter().try_for_each(|set| check_word("character set", set))?;
        self.collation.iter().try_for_each(|collation| check_word("collation", collation))?;
        if self.absent && OF_THE_SERVER.contains(&&*self.name.to_lowercase()) {
            return Err(fault!(
                code::MYSQL_NEEDED,
                "the server cannot be without the database `{}`",
                self.name
            ))
            .hint("leave it alone");
        }
        scope.manages("mysql-database", &self.name);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let (changes, _) = mysql::facts(probe, |databases| self.differences(databases))?;
        Ok(changes.into_iter().collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let (_, statement) = mysql::facts(machine, |databases| self.differences(databases))?;
        mysql::run(machine, statement.as_slice())
    }
}

#[cfg(test)]
mod tests;
