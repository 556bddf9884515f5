//! What a role may do, as the server says and as it shall be.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::super::psql::Facts;
use super::super::sql::{check_name, connections, identifier, literal};

/// All roles of a server.
pub(super) type Roles = BTreeMap<String, Role>;

impl Facts for Roles {
    const QUERY: &'static str = "\
SELECT coalesce(json_object_agg(r.rolname, json_build_object(
    'is_first', r.oid = 10,
    'password', r.rolpassword,
    'login', r.rolcanlogin,
    'superuser', r.rolsuper,
    'createdb', r.rolcreatedb,
    'createrole', r.rolcreaterole,
    'replication', r.rolreplication,
    'bypass_rls', r.rolbypassrls,
    'connection_limit', r.rolconnlimit,
    'valid_until', CASE WHEN isfinite(r.rolvaliduntil) THEN to_char(
        r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END,
    'member_of', (
        SELECT coalesce(json_agg(g.rolname), '[]')
        FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
        WHERE m.member = r.oid)
)), '{}') FROM pg_catalog.pg_authid r";
}

/// A role that is there.
#[derive(Deserialize)]
pub(super) struct Role {
    /// Whether it is the superuser that `initdb` made.
    pub(super) is_first: bool,
    /// What the server stores of the password.
    pub(super) password: Option<String>,
    #[serde(flatten)]
    pub(super) rights: Rights,
}

/// What a role may do.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Rights {
    pub(super) login: bool,
    pub(super) superuser: bool,
    pub(super) createdb: bool,
    pub(super) createrole: bool,
    pub(super) replication: bool,
    pub(super) bypass_rls: bool,
    /// -1: none.
    pub(super) connection_limit: i32,
    pub(super) valid_until: Option<String>,
    pub(super) member_of: BTreeSet<String>,
}

/// One difference, and what mends it.
pub(super) struct Difference {
    pub(super) change: Change,
    pub(super) mend: Mend,
}

pub(super) enum Mend {
    Sql(String),
    /// Drawn when it is set, because each verifier has a salt of its own.
    Password,
}

impl Difference {
    pub(super) fn new(change: Change, statement: String) -> Self {
        Self { change, mend: Mend::Sql(statement) }
    }
}

impl Rights {
    /// What `CREATE ROLE` alone gives.
    pub(super) fn fresh() -> Self {
        Self {
            login: false,
            superuser: false,
            createdb: false,
            createrole: false,
            replication: false,
            bypass_rls: false,
            connection_limit: -1,
            valid_until: None,
            member_of: BTreeSet::new(),
        }
    }

    /// The flags, by the words that turn them on.
    fn flags(&self) -> [(&'static str, bool); 6] {
        [
            ("LOGIN", self.login),
            ("SUPERUSER", self.superuser),
            ("CREATEDB", self.createdb),
            ("CREATEROLE", self.createrole),
            ("REPLICATION", self.replication),
            ("BYPASSRLS", self.bypass_rls),
        ]
    }

    /// Refuses what the server would refuse, and writes the moment as the server does.
    pub(super) fn check(&mut self) -> Result {
        self.member_of.iter().try_for_each(|group| check_name("role", group))?;
        let Some(moment) = &mut self.valid_until else { return Ok(()) };
        if has_form(moment, "0000-00-00") {
            moment.push_str("T00:00:00Z");
        }
        if has_form(moment, "0000-00-00T00:00:00Z") {
            return Ok(());
        }
        Err(fault!(code::OPTION_VALUE, "`{moment}` is no moment"))
            .hint("write it in UTC, as `2030-01-01` or `2030-01-01T12:00:00Z`")
    }

    /// Every difference to what is wanted of a role, whose name is quoted.
    pub(super) fn differences(
        &self,
        wanted: &Self,
        role: &str,
        no_other_memberships: bool,
    ) -> Vec<Difference> {
        let mut found = Vec::new();
        for ((word, present), (_, wanted)) in self.flags().into_iter().zip(wanted.flags()) {
            if present != wanted {
                let (no, yes_or_no) =
                    if wanted { ("", ["no", "yes"]) } else { ("NO", ["yes", "no"]) };
                let [from, to] = yes_or_no;
                let change = Change::property(word.to_lowercase(), from, to);
                found.push(Difference::new(change, format!("ALTER ROLE {role} {no}{word}")));
            }
        }
        if self.connection_limit != wanted.connection_limit {
            let limit = wanted.connection_limit;
            let [from, to] = [self.connection_limit, limit].map(connections);
            let statement = format!("ALTER ROLE {role} CONNECTION LIMIT {limit}");
            found.push(Difference::new(Change::property("connection limit", from, to), statement));
        }
        if self.valid_until != wanted.valid_until {
            let text = |moment: &Option<String>| moment.clone().unwrap_or("for ever".into());
            let change =
                Change::property("valid until", text(&self.valid_until), text(&wanted.valid_until));
            let moment = wanted.valid_until.as_deref().unwrap_or("infinity");
            let statement = format!("ALTER ROLE {role} VALID UNTIL {}", literal(moment));
            found.push(Difference::new(change, statement));
        }
        for group in wanted.member_of.difference(&self.member_of) {
            let change = Change::create(format!("membership in `{group}`"));
            found.push(Difference::new(change, format!("GRANT {} TO {role}", identifier(group))));
        }
        let others = self.member_of.difference(&wanted.member_of);
        for group in others.filter(|_| no_other_memberships) {
            let change = Change::remove(format!("membership in `{group}`"));
            found
                .push(Difference::new(change, format!("REVOKE {} FROM {role}", identifier(group))));
        }
        found
    }
}

/// Whether a text has a digit where the form has one, and else the same.
fn has_form(text: &str, form: &str) -> bool {
    let same =
        |(is, wanted): (u8, u8)| if wanted == b'0' { is.is_ascii_digit() } else { is == wanted };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(same)
}
