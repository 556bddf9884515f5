//! Privileges of MariaDB and MySQL.

mod held;

use std::borrow::Cow;
use std::collections::BTreeSet;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::mysql::{self, LONGEST_NAME, account, check_account, check_name, host_part};

use held::{Grants, Held, Place, Privileges};

/// What one account may do in one place: a table, a database, or everywhere.
///
/// Privileges in this place that are not asked for are taken away; those in other places, on columns
/// and on routines stay.
///
/// | attribute | default |
/// |---|---|
/// | `host` | `localhost`: the host part of the account |
/// | `database`, `databases_like`, `table`, `everywhere` | one of them must be given; the last counts |
/// | `privileges` | must be given, unless it is `absent`; `ALL` is all that there are in this place |
/// | `grant_option` | no: the account cannot give its privileges to others |
///
/// `verify` reads all privileges of the server at once. `update` revokes what is too much, and grants
/// what is missing; the account must be there before ([`MysqlUser`](super::MysqlUser)). A table must
/// be there too, a database need not. How the server is reached is the same as for
/// [`MysqlDatabase`](super::MysqlDatabase); whom it lets in as must have the privileges itself, with
/// the right to grant them.
///
/// **Needs**: `mariadb` or `mysql`; root, or another account that the server takes by the socket.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(MysqlGrant::new("shop").database("shop").privileges(["ALL"]));
///     scope.add(MysqlGrant::new("report").table("shop", "orders").privileges(["SELECT"]));
///     let backup = ["SELECT", "LOCK TABLES", "SHOW VIEW", "TRIGGER", "RELOAD"];
///     scope.add(MysqlGrant::new("backup").everywhere().privileges(backup));
///     scope.add(MysqlGrant::new("former").host("10.0.0.%").database("shop").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct MysqlGrant {
    user: String,
    host: String,
    place: Option<Place>,
    absent: bool,
    /// As they were given, read at `configure`.
    given: Vec<String>,
    wanted: Privileges,
    grant_option: bool,
}

impl MysqlGrant {
    /// Privileges of the account of this name, which comes from `localhost`.
    pub fn new(user: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            host: "localhost".into(),
            place: None,
            absent: false,
            given: Vec::new(),
            wanted: Privileges::Some(BTreeSet::new()),
            grant_option: false,
        }
    }

    /// Sets the host part of the account, as [`MysqlUser`](super::MysqlUser) has it.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Gives them on a database of this name, with all its tables.
    #[must_use]
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.place = Some(Place::database(&name.into()));
        self
    }

    /// Gives them on all databases whose names are like this pattern, in which `%` stands for any
    /// characters and `_` for one, unless a backslash comes before: `shop\_%`.
    #[must_use]
    pub fn databases_like(mut self, pattern: impl Into<String>) -> Self {
        self.place = Some(Place::Databases(pattern.into()));
        self
    }

    /// Gives them on one table of a database.
    #[must_use]
    pub fn table(mut self, database: impl Into<String>, table: impl Into<String>) -> Self {
        self.place = Some(Place::Table(database.into(), table.into()));
        self
    }

    /// Gives them on everything, with those that are about the server itself.
    #[must_use]
    pub fn everywhere(mut self) -> Self {
        self.place = Some(Place::Everywhere);
        self
    }

    /// Sets the privileges: `SELECT`, `CREATE TEMPORARY TABLES`, or `ALL`.
    #[must_use]
    pub fn privileges(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.given.extend(words.into_iter().map(Into::into));
        self
    }

    /// Lets the account give its privileges in this place to others.
    #[must_use]
    pub fn grant_option(mut self) -> Self {
        self.grant_option = true;
        self
    }

    /// Takes away all privileges in this place.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Every difference, and the statements that mend them.
    fn differences(&self, grants: &Grants) -> (Vec<Change>, Vec<String>) {
        let Some(place) = &self.place else { return Default::default() };
        let nothing = Held::default();
        let held = grants.held(&self.user, &self.host, place).unwrap_or(&nothing);
        let all = grants.is_all(place, held);
        let (on, account) = (place.sql(), account(&self.user, &self.host));
        let revoke = |what: &str| format!("REVOKE {what} ON {on} FROM {account}");
        let (mut changes, mut statements) = (Vec::new(), Vec::new());
        if self.absent {
            if !held.words.is_empty() {
                changes.push(Change::remove(format!("privileges {}", held.described(all))));
                statements.push(revoke("ALL PRIVILEGES"));
            }
            if held.option {
                changes.push(Change::remove("grant option"));
                statements.push(revoke("GRANT OPTION"));
            }
            return (changes, statements);
        }
        let (extra, missing) = match &self.wanted {
            Privileges::All if all => (String::new(), String::new()),
            Privileges::All => (String::new(), "ALL PRIVILEGES".into()),
            Privileges::Some(words) => {
                let list = |words: Vec<&str>| words.join(", ");
                let extra = held.words.difference(words).map(String::as_str).collect();
                (list(extra), list(words.difference(&held.words).map(String::as_str).collect()))
            }
        };
        if !extra.is_empty() || !missing.is_empty() {
            let wanted = self.wanted.to_string();
            changes.push(match held.words.is_empty() {
                true => Change::create(format!("privileges {wanted}")),
                false => Change::property("privileges", held.described(all), wanted),
            });
        }
        if !extra.is_empty() {
            statements.push(revoke(&extra));
        }
        if !missing.is_empty() {
            statements.push(format!("GRANT {missing} ON {on} TO {account}"));
        }
        match (held.option, self.grant_option) {
            (false, true) => {
                changes.push(Change::property("grant option", "no", "yes"));
                statements.push(format!("GRANT USAGE ON {on} TO {account} WITH GRANT OPTION"));
            }
            (true, false) => {
                changes.push(Change::property("grant option", "yes", "no"));
                statements.push(revoke("GRANT OPTION"));
            }
            _ => {}
        }
        (changes, statements)
    }

    /// The account, and where it may do something.
    fn name(&self) -> String {
        let place = self.place.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{}@{} on {place}", self.user, self.host)
    }
}

impl Component for MysqlGrant {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.host = host_part(&self.host);
        check_account(&self.user, &self.host)?;
        match &self.place {
            None => {
                return Err(fault!(
                    code::OPTION_MISSING,
                    "nothing says on what the privileges are"
                ))
                .hint("say `.database(…)`, `.table(…)` or `.everywhere()`");
            }
            Some(Place::Databases(pattern)) => check_name("database", pattern, 2 * LONGEST_NAME)?,
            Some(Place::Table(database, table)) => {
                check_name("database", database, LONGEST_NAME)?;
                check_name("table", table, LONGEST_NAME)?;
            }
            Some(Place::Everywhere) => {}
        }
        demand!(
            self.absent || !self.given.is_empty(),
            code::OPTION_MISSING,
            "no privileges are given"
        );
        self.wanted = Privileges::read(&std::mem::take(&mut self.given))?;
        scope.manages("mysql-grant", self.name());
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let (changes, _) = mysql::facts(probe, |grants| self.differences(grants))?;
        Ok(changes.into_iter().collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let (there, (_, statements)) = mysql::facts(machine, |grants: &Grants| {
            (grants.has_user(&self.user, &self.host), self.differences(grants))
        })?;
        if !there && !self.absent {
            let Self { user, host, .. } = self;
            return Err(fault!(code::MYSQL_NO_USER, "MySQL has no user `{user}@{host}`"))
                .hint("add a `MysqlUser` of this name and host before");
        }
        mysql::run(machine, &statements)
    }
}

#[cfg(test)]
mod tests;
