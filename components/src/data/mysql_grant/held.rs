//! What accounts may do, as the server says and as it shall be.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::super::mysql::{Facts, identifier};

/// On what privileges are given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Everywhere,
    /// A pattern of databases' names.
    Databases(String),
    /// A database and a table.
    Table(String, String),
}

impl Place {
    /// The database of this name alone.
    pub(super) fn database(name: &str) -> Self {
        let special = |c: char| matches!(c, '\\' | '_' | '%');
        let escaped = |c: char| special(c).then_some('\\').into_iter().chain([c]);
        Self::Databases(name.chars().flat_map(escaped).collect())
    }

    /// As statements name it.
    pub(super) fn sql(&self) -> String {
        match self {
            Self::Everywhere => "*.*".into(),
            Self::Databases(pattern) => format!("{}.*", identifier(pattern)),
            Self::Table(database, table) => {
                format!("{}.{}", identifier(database), identifier(table))
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("*.*"),
            Self::Databases(pattern) => write!(f, "{pattern}.*"),
            Self::Table(database, table) => write!(f, "{database}.{table}"),
        }
    }
}

/// The privileges that are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Privileges {
    All,
    Some(BTreeSet<String>),
}

impl Privileges {
    /// Reads words as they are given.
    pub(super) fn read(given: &[String]) -> Result<Self> {
        let words: Result<BTreeSet<String>> = given.iter().map(|given| word(given)).collect();
        let words = words?;
        if !words.contains(ALL) {
            return Ok(Self::Some(words));
        }
        if words.len() > 1 {
            return Err(fault!(code::OPTIONS_CLASH, "`ALL` stands beside other privileges"))
                .hint("leave the others out");
        }
        Ok(Self::All)
    }
}

impl fmt::Display for Privileges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str(ALL),
            Self::Some(words) => f.write_str(&list(words)),
        }
    }
}

const ALL: &str = "ALL";

/// What the server says of who may do nothing.
const NOTHING: &str = "USAGE";

fn list(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// A privilege as every server takes it.
fn word(given: &str) -> Result<String> {
    let words: Vec<_> = given.split_whitespace().map(str::to_ascii_uppercase).collect();
    let word = words.join(" ");
    if word == "GRANT OPTION" {
        return Err(fault!(code::OPTION_VALUE, "`{given}` is no privilege of its own"))
            .hint("ask for it by `.grant_option()`");
    }
    let letters = word.bytes().all(|byte| byte.is_ascii_uppercase() || b" _".contains(&byte));
    let of_sql = words.iter().any(|word| ["ON", "TO"].contains(&word.as_str()));
    if word.is_empty() || !letters || of_sql || word == NOTHING {
        return Err(fault!(code::OPTION_VALUE, "`{given}` is no privilege")).hint(
            "`SHOW PRIVILEGES` lists those that there are; those on columns cannot be given",
        );
    }
    Ok(canonical(&word).to_owned())
}

/// Some have several names, of which servers take one and show another.
fn canonical(word: &str) -> &str {
    match word {
        "ALL PRIVILEGES" => ALL,
        "BINLOG MONITOR" => "REPLICATION CLIENT",
        "REPLICATION REPLICA" => "REPLICATION SLAVE",
        "REPLICATION REPLICA ADMIN" => "REPLICATION SLAVE ADMIN",
        "REPLICA MONITOR" => "SLAVE MONITOR",
        "DELETE VERSIONING ROWS" => "DELETE HISTORY",
        word => word,
    }
}

/// What one account may do in one place.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) words: BTreeSet<String>,
    pub(super) option: bool,
}

impl Held {
    pub(super) fn described(&self, all: bool) -> String {
        match all {
            true => ALL.into(),
            false => list(&self.words),
        }
    }
}

/// All privileges of a server, by account and place.
pub(super) struct Grants {
    held: BTreeMap<String, BTreeMap<Place, Held>>,
    all: All,
}

/// What all is.
#[derive(Deserialize, Default)]
pub(super) struct All {
    /// The account that this works by, which may do everything.
    current: String,
    /// How many privileges there are on a database.
    of_database: usize,
    /// How many there are on a table.
    of_table: usize,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Row {
    Privilege {
        grantee: String,
        database: Option<String>,
        table: Option<String>,
        word: String,
        option: String,
    },
    All(All),
}

impl Facts for Grants {
    // What all is differs between versions; the server's own tables have a column, or an element of a
    // set, for each privilege and one for the grant option.
    const QUERY: &'static str = r"
SELECT JSON_OBJECT('grantee', GRANTEE, 'word', PRIVILEGE_TYPE, 'option', IS_GRANTABLE)
FROM information_schema.USER_PRIVILEGES;
SELECT JSON_OBJECT('grantee', GRANTEE, 'database', TABLE_SCHEMA,
    'word', PRIVILEGE_TYPE, 'option', IS_GRANTABLE)
FROM information_schema.SCHEMA_PRIVILEGES;
SELECT JSON_OBJECT('grantee', GRANTEE, 'database', TABLE_SCHEMA, 'table', TABLE_NAME,
    'word', PRIVILEGE_TYPE, 'option', IS_GRANTABLE)
FROM information_schema.TABLE_PRIVILEGES;
SELECT JSON_OBJECT('current', CURRENT_USER(), 'of_database', (
    SELECT COUNT(*) - 1 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'db' AND COLUMN_NAME LIKE '%\_priv'
), 'of_table', (
    SELECT LENGTH(COLUMN_TYPE) - LENGTH(REPLACE(COLUMN_TYPE, ',', ''))
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'mysql'
    AND TABLE_NAME = 'tables_priv' AND COLUMN_NAME = 'Table_priv'
));";

    type Row = Row;

    fn of(rows: Vec<Row>) -> Self {
        let mut grants = Self { held: BTreeMap::new(), all: All::default() };
        for row in rows {
            let (grantee, place, word, option) = match row {
                Row::All(all) => {
                    grants.all = all;
                    continue;
                }
                Row::Privilege { grantee, database, table, word, option } => {
                    let place = match (database, table) {
                        (Some(database), Some(table)) => Place::Table(database, table),
                        (Some(pattern), None) => Place::Databases(pattern),
                        (None, _) => Place::Everywhere,
                    };
                    (grantee, place, word, option == "YES")
                }
            };
            let held = grants.held.entry(grantee).or_default().entry(place).or_default();
            held.option |= option;
            if word != NOTHING {
                held.words.insert(canonical(&word).to_owned());
            }
        }
        grants
    }
}

/// An account as these tables write it.
fn grantee(user: &str, host: &str) -> String {
    format!("'{user}'@'{host}'")
}

impl Grants {
    /// Whether there is such an account; the server says of each what it may do everywhere, and be
    /// it nothing.
    pub(super) fn has_user(&self, user: &str, host: &str) -> bool {
        self.held(user, host, &Place::Everywhere).is_some()
    }

    pub(super) fn held(&self, user: &str, host: &str, place: &Place) -> Option<&Held> {
        self.held.get(&grantee(user, host))?.get(place)
    }

    /// Whether these are all privileges that there are in a place.
    pub(super) fn is_all(&self, place: &Place, held: &Held) -> bool {
        let count = match place {
            Place::Databases(_) => self.all.of_database,
            Place::Table(..) => self.all.of_table,
            Place::Everywhere => {
                let (user, host) = self.all.current.rsplit_once('@').unwrap_or_default();
                let own = self.held(user, host, place);
                return own.is_some_and(|own| held.words.is_superset(&own.words));
            }
        };
        held.words.len() >= count
    }
}
