//! Databases of PostgreSQL.

mod state;

use std::borrow::Cow;

use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::postgres_cluster::PostgresCluster;
use super::psql::{self, MAINTENANCE};
use super::sql::{check_name, identifier, literal};

use state::{Databases, Difference, Mend, Privilege, State, Wanted};

/// One database of a PostgreSQL server.
///
/// | attribute | default |
/// |---|---|
/// | `owner` | of a new database the role that creates it; else left as it is |
/// | `encoding`, `locale` | of a new database those of its template; else left as they are |
/// | `template` | of a new database `template0` if encoding or locale are set, else `template1` |
/// | `connection_limit` | none |
/// | `grant`, `revoke` | privileges on the database itself: `CONNECT`, `CREATE`, `TEMPORARY`; what is not named stays as it is |
/// | `cluster` | [`PostgresCluster::local`] |
///
/// `verify` reads all databases of the server by one query. `update` creates the database and alters
/// what differs. Encoding and locale of a database cannot be changed, so that a difference in them is
/// an error, which says what to do. It needs `psql`, and the privileges that [`PostgresCluster`] tells
/// of; owner and roles must be there before.
///
/// **Needs**: `psql`; to be `postgres`, or a login.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(PostgresRole::new("shop"));
///     scope.add(
///         PostgresDatabase::new("shop")
///             .owner("shop")
///             .encoding("UTF8")
///             .locale("C.UTF-8")
///             .revoke("PUBLIC", ["CONNECT", "TEMPORARY"]),
///     );
///     scope.add(PostgresDatabase::new("shop_2019").absent_losing_all_data());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct PostgresDatabase {
    name: String,
    cluster: PostgresCluster,
    absent: bool,
    template: Option<String>,
    wanted: Wanted,
    /// Privileges as they were given, read at `configure`.
    given: Vec<(bool, String, String)>,
}

impl PostgresDatabase {
    /// A database of this name, taken as it is, capital letters too.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            cluster: PostgresCluster::default(),
            absent: false,
            template: None,
            wanted: Wanted::default(),
            given: Vec::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Drops the database, if no one is connected to it. All that it holds is lost.
    #[must_use]
    pub fn absent_losing_all_data(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Sets the role that owns it.
    #[must_use]
    pub fn owner(mut self, role: impl Into<String>) -> Self {
        self.wanted.owner = Some(role.into());
        self
    }

    /// Sets the encoding, such as `UTF8`.
    #[must_use]
    pub fn encoding(mut self, encoding: impl Into<String>) -> Self {
        self.wanted.encoding = Some(encoding.into());
        self
    }

    /// Sets the locale by which texts are sorted and letters are told apart, such as `de_DE.UTF-8`;
    /// the server's system must have it.
    #[must_use]
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.wanted.locale = Some(locale.into());
        self
    }

    /// Sets the database that a new one is a copy of.
    #[must_use]
    pub fn template(mut self, database: impl Into<String>) -> Self {
        self.template = Some(database.into());
        self
    }

    /// Sets how many connections it may have at once.
    #[must_use]
    pub fn connection_limit(mut self, connections: u16) -> Self {
        self.wanted.connection_limit = Some(connections);
        self
    }

    /// Gives privileges on it to a role; `PUBLIC` is everybody.
    #[must_use]
    pub fn grant(
        mut self,
        role: impl Into<String>,
        privileges: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.give(true, role.into(), privileges);
        self
    }

    /// Takes privileges on it from a role; `PUBLIC` is everybody.
    #[must_use]
    pub fn revoke(
        mut self,
        role: impl Into<String>,
        privileges: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.give(false, role.into(), privileges);
        self
    }

    fn give(
        &mut self,
        grant: bool,
        role: String,
        privileges: impl IntoIterator<Item = impl Into<String>>,
    ) {
        let given = privileges.into_iter().map(|privilege| (grant, role.clone(), privilege.into()));
        self.given.extend(given);
    }

    /// Sets the server that it belongs to.
    #[must_use]
    pub fn cluster(mut self, cluster: &PostgresCluster) -> Self {
        self.cluster = cluster.clone();
        self
    }

    fn differences(&self, databases: &Databases) -> Vec<Difference> {
        let database = identifier(&self.name);
        match databases.get(&self.name) {
            Some(_) if self.absent => {
                let drop = format!("DROP DATABASE {database}");
                vec![Difference::new(Change::remove("database with all its data"), drop)]
            }
            None if self.absent => Vec::new(),
            Some(present) => present.differences(&self.wanted, &database),
            None => {
                let create = Difference::new(Change::create(self.described()), self.create());
                let created = State::created(&self.wanted);
                let rest = created.differences(&self.wanted, &database);
                std::iter::once(create).chain(rest).collect()
            }
        }
    }

    /// A new database, with what cannot be changed later.
    fn described(&self) -> String {
        let Wanted { owner, encoding, locale, .. } = &self.wanted;
        let parts = [
            ("owner", owner),
            ("encoding", encoding),
            ("locale", locale),
            ("template", &self.template),
        ];
        let parts = parts.into_iter().filter_map(|(what, value)| Some((what, value.as_ref()?)));
        let parts: Vec<_> = parts.map(|(what, value)| format!("{what} {value}")).collect();
        if parts.is_empty() {
            return "database".into();
        }
        format!("database ({})", parts.join(", "))
    }

    fn create(&self) -> String {
        let Wanted { owner, encoding, locale, .. } = &self.wanted;
        let mut statement = format!("CREATE DATABASE {}", identifier(&self.name));
        if let Some(owner) = owner {
            statement += &format!(" OWNER {}", identifier(owner));
        }
        if let Some(encoding) = encoding {
            statement += &format!(" ENCODING {}", literal(encoding));
        }
        if let Some(locale) = locale {
            let locale = literal(locale);
            statement += &format!(" LC_COLLATE {locale} LC_CTYPE {locale}");
        }
        // A template with another encoding or locale is refused, but for the empty one.
        let empty = (encoding.is_some() || locale.is_some()).then_some("template0");
        if let Some(template) = self.template.as_deref().or(empty) {
            statement += &format!(" TEMPLATE {}", identifier(template));
        }
        statement
    }
}

impl Component for PostgresDatabase {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        check_name("database", &self.name)?;
        self.cluster.check_added()?;
        let names = self.wanted.owner.iter().chain(self.given.iter().map(|(_, role, _)| role));
        names.into_iter().try_for_each(|role| check_name("role", role))?;
        for (grant, role, privilege) in std::mem::take(&mut self.given) {
            self.wanted.add(grant, Privilege::new(&role, &privilege)?)?;
        }
        scope.manages("postgres-database", format!("{}/{}", self.cluster.name(), self.name));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let databases = psql::facts::<Databases>(probe, &self.cluster, MAINTENANCE)?;
        let differences = self.differences(&databases).into_iter();
        Ok(differences.map(|difference| difference.change).collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let databases = psql::facts::<Databases>(machine, &self.cluster, MAINTENANCE)?;
        let mut statements = Vec::new();
        for Difference { change, mend } in self.differences(&databases) {
            match mend {
                Mend::Sql(statement) => statements.push(statement),
                Mend::Impossible => {
                    return Err(fault!(
                        code::DATABASE_FIXED,
                        "the database is there, and cannot be changed: {change}"
                    ))
                    .hint(
                        "dump it, drop it by `.absent_losing_all_data()`, deploy it anew and \
                             restore the dump; or ask for what it has",
                    );
                }
            }
        }
        psql::run(machine, &self.cluster, MAINTENANCE, &statements)
    }
}

#[cfg(test)]
mod tests;
