//! Roles of PostgreSQL.

mod rights;

use std::borrow::Cow;

use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::postgres_cluster::PostgresCluster;
use super::psql::{self, MAINTENANCE};
use super::scram::Verifier;
use super::sql::{check_name, identifier, literal};

use rights::{Difference, Mend, Rights, Role, Roles};

/// One role of a PostgreSQL server: a user who may log in, or a group of rights.
///
/// Rights that are not asked for are taken away.
///
/// | attribute | default |
/// |---|---|
/// | `password` | left as it is; a new role has none |
/// | `no_login` | no: it may log in |
/// | `superuser`, `createdb`, `createrole`, `replication`, `bypass_rls` | no |
/// | `connection_limit` | none |
/// | `valid_until` | for ever |
/// | `member_of` | none; further memberships stay, unless there are to be `no_other_memberships` |
/// | `cluster` | [`PostgresCluster::local`] |
///
/// `verify` reads all roles of the server by one query. Whether a password is the right one shows by
/// the SCRAM-SHA-256 verifier that the server stores; one stored in another way is replaced.
/// `update` creates the role and alters what differs, in one transaction. A password is sent as a
/// verifier, so that it stands neither on a command line nor in the server's log. It needs `psql`,
/// and the privileges that [`PostgresCluster`] tells of.
///
/// A role that owns something cannot be removed: reassign or drop that first.
///
/// **Needs**: `psql`; to be `postgres`, or a login.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// #[derive(Debug)]
/// struct Accounts {
///     password: Secret,
/// }
///
/// impl Component for Accounts {
///     fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
///         scope.add(PostgresRole::new("readers").no_login());
///         scope.add(PostgresRole::new("shop").password(&self.password).connection_limit(20));
///         scope.add(PostgresRole::new("report").member_of(["readers"]).valid_until("2030-01-01"));
///         scope.add(PostgresRole::new("former").absent());
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug)]
pub struct PostgresRole {
    name: String,
    cluster: PostgresCluster,
    absent: bool,
    password: Password,
    wanted: Rights,
    no_other_memberships: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Password {
    AsItIs,
    None,
    Is(Secret),
}

impl PostgresRole {
    /// A role of this name, taken as it is, capital letters too.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            cluster: PostgresCluster::default(),
            absent: false,
            password: Password::AsItIs,
            wanted: Rights { login: true, ..Rights::fresh() },
            no_other_memberships: false,
        }
    }

    /// Removes the role.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Sets the password. A text that already is a SCRAM-SHA-256 verifier is taken as one.
    #[must_use]
    pub fn password(mut self, password: &Secret) -> Self {
        self.password = Password::Is(password.clone());
        self
    }

    /// Takes the password away.
    #[must_use]
    pub fn no_password(mut self) -> Self {
        self.password = Password::None;
        self
    }

    /// Lets it not log in: a group of rights for others.
    #[must_use]
    pub fn no_login(mut self) -> Self {
        self.wanted.login = false;
        self
    }

    /// Lets it do everything.
    #[must_use]
    pub fn superuser(mut self) -> Self {
        self.wanted.superuser = true;
        self
    }

    /// Lets it create databases.
    #[must_use]
    pub fn createdb(mut self) -> Self {
        self.wanted.createdb = true;
        self
    }

    /// Lets it create roles.
    #[must_use]
    pub fn createrole(mut self) -> Self {
        self.wanted.createrole = true;
        self
    }

    /// Lets it replicate the whole server.
    #[must_use]
    pub fn replication(mut self) -> Self {
        self.wanted.replication = true;
        self
    }

    /// Exempts it from row level security.
    #[must_use]
    pub fn bypass_rls(mut self) -> Self {
        self.wanted.bypass_rls = true;
        self
    }

    /// Sets how many connections it may have at once.
    #[must_use]
    pub fn connection_limit(mut self, connections: u16) -> Self {
        self.wanted.connection_limit = connections.into();
        self
    }

    /// Sets when its password ends to hold, in UTC: `2030-01-01` or `2030-01-01T12:00:00Z`.
    #[must_use]
    pub fn valid_until(mut self, moment: impl Into<String>) -> Self {
        self.wanted.valid_until = Some(moment.into());
        self
    }

    /// Makes it a member of other roles.
    #[must_use]
    pub fn member_of(mut self, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.wanted.member_of.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Ends its membership in all roles but those that it is made a member of.
    #[must_use]
    pub fn no_other_memberships(mut self) -> Self {
        self.no_other_memberships = true;
        self
    }

    /// Sets the server that it belongs to.
    #[must_use]
    pub fn cluster(mut self, cluster: &PostgresCluster) -> Self {
        self.cluster = cluster.clone();
        self
    }

    fn differences(&self, roles: &Roles) -> Result<Vec<Difference>> {
        let role = identifier(&self.name);
        let present = roles.get(&self.name);
        if self.absent {
            let drop = Difference::new(Change::remove("role"), format!("DROP ROLE {role}"));
            return Ok(present.map(|_| drop).into_iter().collect());
        }
        if present.is_some_and(|present| present.is_first) && !self.wanted.superuser {
            return Err(fault!(
                code::ROLE_NEEDED,
                "`{}` is the role that the server cannot be without",
                self.name
            ))
            .hint("leave it its rights: `.superuser()`, `.createdb()`, `.createrole()`, …");
        }
        let create = Difference::new(Change::create("role"), format!("CREATE ROLE {role}"));
        let mut differences: Vec<_> = present.is_none().then_some(create).into_iter().collect();
        let fresh = Rights::fresh();
        let rights = present.map_or(&fresh, |present| &present.rights);
        differences.extend(rights.differences(&self.wanted, &role, self.no_other_memberships));
        differences.extend(self.password_difference(present));
        Ok(differences)
    }

    fn password_difference(&self, present: Option<&Role>) -> Option<Difference> {
        let stored = present.and_then(|present| present.password.as_deref());
        let verifier = stored.and_then(Verifier::parse);
        let kind = match (stored, &verifier) {
            (None, _) => "none",
            (Some(_), Some(_)) => "SCRAM-SHA-256",
            (Some(stored), None) if stored.starts_with("md5") => "MD5",
            (Some(_), None) => "of another kind",
        };
        let change = match (&self.password, verifier) {
            (Password::AsItIs, _) => return None,
            (Password::None, _) if stored.is_none() => return None,
            (Password::None, _) => Change::property("password", kind, "none"),
            (Password::Is(password), Some(verifier)) if is_of(&verifier, password) => return None,
            (Password::Is(_), Some(_)) => "another password".into(),
            (Password::Is(_), None) => Change::property("password", kind, "SCRAM-SHA-256"),
        };
        Some(Difference { change, mend: Mend::Password })
    }

    fn statements(&self, differences: Vec<Difference>) -> Result<Vec<String>> {
        let statements = differences.into_iter().map(|difference| match difference.mend {
            Mend::Sql(statement) => Ok(statement),
            Mend::Password => {
                let password = match &self.password {
                    Password::Is(password) => literal(&verifier_of(password)?.to_text()),
                    Password::None | Password::AsItIs => "NULL".into(),
                };
                let role = identifier(&self.name);
                // An error would else repeat the whole line.
                Ok(format!("\\set VERBOSITY terse\nALTER ROLE {role} PASSWORD {password}"))
            }
        });
        statements.collect()
    }
}

fn is_of(verifier: &Verifier, password: &Secret) -> bool {
    match Verifier::parse(password.expose()) {
        Some(given) => given == *verifier,
        None => verifier.is_of(password.expose()),
    }
}

fn verifier_of(password: &Secret) -> Result<Verifier> {
    Verifier::parse(password.expose()).map_or_else(|| Verifier::new(password.expose()), Ok)
}

impl Component for PostgresRole {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        check_name("role", &self.name)?;
        self.cluster.check_added()?;
        self.wanted.check()?;
        if matches!(&self.password, Password::Is(password) if password.expose().is_empty()) {
            return Err(fault!(code::OPTION_VALUE, "the password is empty"))
                .hint("`.no_password()` takes it away");
        }
        scope.manages("postgres-role", format!("{}/{}", self.cluster.name(), self.name));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let roles = psql::facts::<Roles>(probe, &self.cluster, MAINTENANCE)?;
        let differences = self.differences(&roles)?;
        Ok(differences.into_iter().map(|difference| difference.change).collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let roles = psql::facts::<Roles>(machine, &self.cluster, MAINTENANCE)?;
        let statements = self.statements(self.differences(&roles)?)?;
        psql::run_at_once(machine, &self.cluster, MAINTENANCE, &statements)
    }
}

#[cfg(test)]
mod tests;
