//! Accounts of MariaDB and MySQL.

mod state;

use std::borrow::Cow;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::mysql::{self, account, check_account, check_name, host_part, literal};

use state::{Login, State, Users, hash_of};

/// One account of the MariaDB or MySQL server on this host: a user and where it may come from.
///
/// | attribute | default |
/// |---|---|
/// | `host` | `localhost` |
/// | `password`, `unix_socket` | one of them must be given, unless it is `absent` |
///
/// What it may do is said by [`MysqlGrant`](super::MysqlGrant).
///
/// `verify` reads all accounts of the server by one query. Whether a password is the right one shows
/// by the hash that the server stores (`mysql_native_password`). `update` creates the account, or
/// gives it the one way to log in that is asked for in the place of what it has. A password is sent as its
/// hash, so that it stands neither on a command line nor in the server's log; MySQL from 8.4 on takes
/// such hashes only if it is told to (`mysql_native_password=ON`), MySQL 9 no more. How the server is
/// reached is the same as for [`MysqlDatabase`](super::MysqlDatabase). The account that is used for
/// this cannot be removed.
///
/// **Needs**: `mariadb` or `mysql`; root, or another account that the server takes by the socket.
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
///         scope.add(MysqlUser::new("shop").host("10.0.0.%").password(&self.password));
///         scope.add(MysqlUser::new("backup").unix_socket());
///         scope.add(MysqlUser::new("former").absent());
///         // The account without a name that old servers come with.
///         scope.add(MysqlUser::anonymous().absent());
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug)]
pub struct MysqlUser {
    name: String,
    host: String,
    absent: bool,
    login: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Unsaid,
    Password(Secret),
    Socket,
    /// Both were asked for.
    Both,
}

impl MysqlUser {
    /// An account of this name, which comes from `localhost`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), host: "localhost".into(), absent: false, login: Wanted::Unsaid }
    }

    /// The account without a name, as which everybody may log in. It can be `absent` alone.
    pub fn anonymous() -> Self {
        Self::new("")
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets where it may come from: a name or an address, a pattern such as `10.0.%`, or `%`.
    /// Accounts of one name from several places are several accounts.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Removes the account, with its privileges.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Lets it log in by a password. A text that already is a hash of the server, `*` and 40
    /// hexadecimal digits, is taken as one.
    #[must_use]
    pub fn password(mut self, password: &Secret) -> Self {
        self.login = match self.login {
            Wanted::Unsaid | Wanted::Password(_) => Wanted::Password(password.clone()),
            Wanted::Socket | Wanted::Both => Wanted::Both,
        };
        self
    }

    /// Lets the system's user of the same name log in over the socket, without a password.
    #[must_use]
    pub fn unix_socket(mut self) -> Self {
        self.login = match self.login {
            Wanted::Unsaid | Wanted::Socket => Wanted::Socket,
            Wanted::Password(_) | Wanted::Both => Wanted::Both,
        };
        self
    }

    /// Every difference, and the one statement that mends them.
    fn difference(&self, users: &Users) -> Result<Option<(Change, String)>> {
        let account = account(&self.name, &self.host);
        let present = users.get(&self.name, &self.host);
        if self.absent {
            let Some(present) = present else { return Ok(None) };
            if present.is_own() {
                return Err(fault!(
                    code::MYSQL_NEEDED,
                    "`{}@{}` is the account that this works by",
                    self.name,
                    self.host
                ))
                .hint("leave it there, or let another account of `~/.my.cnf` work");
            }
            return Ok(Some((Change::remove("user"), format!("DROP USER {account}"))));
        }
        let wanted = match &self.login {
            Wanted::Password(password) => Login::Password(hash_of(password)),
            Wanted::Socket | Wanted::Both | Wanted::Unsaid => Login::Socket,
        };
        let identified = match &wanted {
            Login::Password(hash) => {
                format!("IDENTIFIED WITH mysql_native_password AS {}", literal(hash))
            }
            _ if users.is_mariadb() => "IDENTIFIED WITH unix_socket".into(),
            _ => "IDENTIFIED WITH auth_socket".into(),
        };
        let Some(present) = present.map(State::login) else {
            let change = Change::create(format!("user ({wanted})"));
            return Ok(Some((change, format!("CREATE USER {account} {identified}"))));
        };
        let change = match (&present, &wanted) {
            _ if present == wanted => return Ok(None),
            (Login::Password(_), Login::Password(_)) => "another password".into(),
            _ => Change::property("authentication", present.to_string(), wanted.to_string()),
        };
        Ok(Some((change, format!("ALTER USER {account} {identified}"))))
    }
}

impl Component for MysqlUser {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(format!("{}@{}", self.name, self.host).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.host = host_part(&self.host);
        if self.name.is_empty() && self.absent {
            check_name("user's host", &self.host, 255)?;
        } else {
            check_account(&self.name, &self.host)?;
        }
        match &self.login {
            Wanted::Unsaid if !self.absent => {
                return Err(fault!(code::OPTION_MISSING, "nothing says how the user logs in"))
                    .hint("give it a `.password(…)`, or let it log in by `.unix_socket()`");
            }
            Wanted::Both => {
                return Err(fault!(
                    code::OPTIONS_CLASH,
                    "it has both a password and `unix_socket`"
                ))
                .hint("an account has one way to log in; leave one of them out");
            }
            Wanted::Password(password) => {
                demand!(!password.expose().is_empty(), code::OPTION_VALUE, "the password is empty");
            }
            Wanted::Unsaid | Wanted::Socket => {}
        }
        scope.manages("mysql-user", format!("{}@{}", self.name, self.host));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let difference = mysql::facts(probe, |users| self.difference(users))??;
        Ok(difference.into_iter().map(|(change, _)| change).collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let difference = mysql::facts(machine, |users| self.difference(users))??;
        let statements: Vec<_> = difference.into_iter().map(|(_, statement)| statement).collect();
        mysql::run(machine, &statements)
    }
}

#[cfg(test)]
mod tests;
