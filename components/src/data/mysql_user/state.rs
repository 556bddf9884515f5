//! What an account is, as the server says.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use sha1::{Digest as _, Sha1};
use togusa_core::prelude::*;

use super::super::mysql::Facts;

/// All accounts of a server, by name and host.
pub(super) struct Users(BTreeMap<(String, String), State>);

/// An account that is there.
#[derive(Deserialize)]
pub(super) struct State {
    user: String,
    host: String,
    /// How it logs in; nothing is the password too.
    plugin: String,
    /// What the server stores of the password.
    stored: Option<String>,
    /// Further ways to log in, which MariaDB has; an empty one stands for the first way.
    #[serde(default)]
    ways: Option<Vec<Way>>,
    version: String,
    current: String,
}

#[derive(Deserialize)]
struct Way {
    plugin: Option<String>,
}

impl Facts for Users {
    // MySQL skips what is for MariaDB.
    const QUERY: &'static str = "\
SELECT JSON_OBJECT('user', u.User, 'host', u.Host, 'plugin', u.plugin,
    'stored', u.authentication_string, 'version', VERSION(), 'current', CURRENT_USER()
    /*M!100400 , 'ways', JSON_QUERY((SELECT p.Priv FROM mysql.global_priv p
        WHERE p.User = u.User AND p.Host = u.Host), '$.auth_or') */)
FROM mysql.user u;";

    type Row = State;

    fn of(rows: Vec<State>) -> Self {
        Self(rows.into_iter().map(|row| ((row.user.clone(), row.host.clone()), row)).collect())
    }
}

impl Users {
    pub(super) fn get(&self, user: &str, host: &str) -> Option<&State> {
        self.0.get(&(user.to_owned(), host.to_owned()))
    }

    /// Whether the server is MariaDB, where some things have other names.
    pub(super) fn is_mariadb(&self) -> bool {
        self.0.values().next().is_some_and(|state| state.version.contains("MariaDB"))
    }
}

/// How an account logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// Everybody may.
    Open,
    /// By a password that has this hash.
    Password(String),
    /// Over the socket, as the system's user.
    Socket,
    /// Otherwise.
    Other(String),
}

impl Login {
    fn new(plugin: &str, stored: &str) -> Self {
        match plugin {
            "" | "mysql_native_password" if stored.is_empty() => Self::Open,
            "" | "mysql_native_password" => Self::Password(stored.to_uppercase()),
            "unix_socket" | "auth_socket" => Self::Socket,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "none",
            Self::Password(_) => "password",
            Self::Socket => "unix_socket",
            Self::Other(plugin) => plugin,
        })
    }
}

impl State {
    /// Whether it is the account that the client logged in as.
    pub(super) fn is_own(&self) -> bool {
        self.current == format!("{}@{}", self.user, self.host)
    }

    pub(super) fn login(&self) -> Login {
        let stored = self.stored.as_deref().unwrap_or_default();
        let first = Login::new(&self.plugin, stored);
        let ways = self.ways.iter().flatten().map(|way| match &way.plugin {
            Some(plugin) => Login::new(plugin, "not known").to_string(),
            None => first.to_string(),
        });
        let ways: Vec<_> = ways.collect();
        // When others are taken away, the first way remains in the list.
        if ways.len() < 2 { first } else { Login::Other(ways.join(" or ")) }
    }
}

/// What the server stores of a password, or the password itself if it is that already.
pub(super) fn hash_of(password: &Secret) -> String {
    let password = password.expose();
    let digits = password.strip_prefix('*').unwrap_or_default();
    if digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return password.to_uppercase();
    }
    let twice = Sha1::digest(Sha1::digest(password.as_bytes()));
    let digits: String = twice.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("*{digits}")
}
