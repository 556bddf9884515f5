//! What a database is, as the server says and as it shall be.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::super::psql::Facts;
use super::super::sql::{connections, identifier};

/// All databases of a server.
pub(super) type Databases = BTreeMap<String, State>;

impl Facts for Databases {
    const QUERY: &'static str = "\
SELECT coalesce(json_object_agg(d.datname, json_build_object(
    'owner', pg_catalog.pg_get_userbyid(d.datdba),
    'encoding', pg_catalog.pg_encoding_to_char(d.encoding),
    'collate', d.datcollate,
    'ctype', d.datctype,
    'connection_limit', d.datconnlimit,
    'privileges', (
        SELECT coalesce(json_agg(json_build_object(
            'role', CASE a.grantee WHEN 0 THEN 'PUBLIC'
                ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
            'word', a.privilege_type)), '[]')
        FROM pg_catalog.aclexplode(
            coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a)
)), '{}') FROM pg_catalog.pg_database d";
}

/// The pseudo-role that is everybody.
const EVERYBODY: &str = "PUBLIC";

/// The privileges that there are on a database.
const PRIVILEGES: [&str; 3] = ["CONNECT", "CREATE", "TEMPORARY"];

/// A database that is there.
#[derive(Deserialize)]
pub(super) struct State {
    owner: Option<String>,
    encoding: String,
    collate: String,
    ctype: String,
    connection_limit: i32,
    privileges: BTreeSet<Privilege>,
}

/// A privilege of a role.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Privilege {
    role: String,
    word: String,
}

impl Privilege {
    pub(super) fn new(role: &str, word: &str) -> Result<Self> {
        let everybody = role.eq_ignore_ascii_case(EVERYBODY);
        let role = if everybody { EVERYBODY } else { role }.to_owned();
        let wanted = word.to_ascii_uppercase();
        let wanted = if wanted == "TEMP" { "TEMPORARY" } else { &wanted };
        if PRIVILEGES.contains(&wanted) {
            return Ok(Self { role, word: wanted.to_owned() });
        }
        Err(fault!(code::OPTION_VALUE, "there is no privilege `{word}` on a database"))
            .hint("those that there are: `CONNECT`, `CREATE`, `TEMPORARY`")
    }

    fn grantee(&self) -> String {
        if self.role == EVERYBODY { self.role.clone() } else { identifier(&self.role) }
    }

    fn described(&self) -> String {
        format!("{} of `{}`", self.word, self.role)
    }
}

/// What a database shall be.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) owner: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) locale: Option<String>,
    pub(super) connection_limit: Option<u16>,
    granted: BTreeSet<Privilege>,
    revoked: BTreeSet<Privilege>,
}

impl Wanted {
    /// Adds a privilege to what is granted or to what is revoked.
    pub(super) fn add(&mut self, grant: bool, privilege: Privilege) -> Result {
        let (these, others) = match grant {
            true => (&mut self.granted, &self.revoked),
            false => (&mut self.revoked, &self.granted),
        };
        let both = others.contains(&privilege);
        demand!(
            !both,
            code::OPTIONS_CLASH,
            "{} is both granted and revoked",
            privilege.described()
        );
        these.insert(privilege);
        Ok(())
    }
}

/// One difference, and what mends it.
pub(super) struct Difference {
    pub(super) change: Change,
    pub(super) mend: Mend,
}

pub(super) enum Mend {
    Sql(String),
    /// It is decided when a database is created.
    Impossible,
}

impl Difference {
    pub(super) fn new(change: Change, statement: String) -> Self {
        Self { change, mend: Mend::Sql(statement) }
    }

    fn lasting(what: &str, from: &str, to: &str) -> Self {
        Self { change: Change::property(what, from, to), mend: Mend::Impossible }
    }
}

impl State {
    /// A new database, as `CREATE DATABASE` leaves it.
    pub(super) fn created(wanted: &Wanted) -> Self {
        let locale = wanted.locale.clone().unwrap_or_default();
        let public = ["CONNECT", "TEMPORARY"]
            .map(|word| Privilege { role: EVERYBODY.into(), word: word.into() });
        let owner = wanted.owner.iter();
        let own = owner.flat_map(|role| {
            PRIVILEGES.map(|word| Privilege { role: role.clone(), word: word.into() })
        });
        Self {
            owner: wanted.owner.clone(),
            encoding: wanted.encoding.clone().unwrap_or_default(),
            collate: locale.clone(),
            ctype: locale,
            connection_limit: -1,
            privileges: own.chain(public).collect(),
        }
    }

    /// Every difference to what is wanted of a database, whose name is quoted.
    pub(super) fn differences(&self, wanted: &Wanted, database: &str) -> Vec<Difference> {
        let mut found = Vec::new();
        let encoding = wanted.encoding.iter();
        for wanted in encoding.filter(|wanted| plain(wanted) != plain(&self.encoding)) {
            found.push(Difference::lasting("encoding", &self.encoding, wanted));
        }
        for (what, present) in [("collation", &self.collate), ("character type", &self.ctype)] {
            let locale = wanted.locale.iter();
            for wanted in locale.filter(|wanted| plain(wanted) != plain(present)) {
                found.push(Difference::lasting(what, present, wanted));
            }
        }
        if let Some(owner) = &wanted.owner
            && self.owner.as_ref() != Some(owner)
        {
            let present = self.owner.as_deref().unwrap_or("none");
            let statement = format!("ALTER DATABASE {database} OWNER TO {}", identifier(owner));
            found.push(Difference::new(Change::property("owner", present, owner), statement));
        }
        let limit = wanted.connection_limit.map_or(-1, i32::from);
        if self.connection_limit != limit {
            let [from, to] = [self.connection_limit, limit].map(connections);
            let statement = format!("ALTER DATABASE {database} CONNECTION LIMIT {limit}");
            found.push(Difference::new(Change::property("connection limit", from, to), statement));
        }
        for privilege in wanted.granted.difference(&self.privileges) {
            let (word, role) = (&privilege.word, privilege.grantee());
            let change = Change::create(format!("privilege {}", privilege.described()));
            let statement = format!("GRANT {word} ON DATABASE {database} TO {role}");
            found.push(Difference::new(change, statement));
        }
        for privilege in wanted.revoked.intersection(&self.privileges) {
            let (word, role) = (&privilege.word, privilege.grantee());
            let change = Change::remove(format!("privilege {}", privilege.described()));
            let statement = format!("REVOKE {word} ON DATABASE {database} FROM {role}");
            found.push(Difference::new(change, statement));
        }
        found
    }
}

/// An encoding or a locale without what may be written in several ways: `C.UTF-8` is `C.utf8`.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !"-_ ".contains(*c)).collect::<String>().to_lowercase()
}
