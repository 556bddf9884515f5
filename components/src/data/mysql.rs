//! Statements run by the client of MariaDB or MySQL, and what was read kept for all components of a
//! kind.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::{ExecError, Output, Snapshot};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::foreign;

/// MariaDB's own name for the client, and the one of MySQL, which older MariaDB has too.
const CLIENTS: [&str; 2] = ["mariadb", "mysql"];

/// What somebody may have set for work by hand, and would change what is run or read: to go on after
/// errors, a limit of rows, other forms of the answer.
const NOT_FROM_OPTION_FILES: [&str; 8] = [
    "force",
    "safe-updates",
    "table",
    "vertical",
    "auto-vertical-output",
    "html",
    "xml",
    "show-warnings",
];

/// Texts are read as they are written here, and no account comes to be by a mere `GRANT`.
const SESSION: &str = "\
SET SESSION sql_mode = IF(VERSION() LIKE '%MariaDB%', 'NO_AUTO_CREATE_USER', '');\n";

/// Something that one query finds out for all components of a kind.
pub(super) trait Facts: Send + Sync + Sized + 'static {
    /// The query: one column, in JSON.
    const QUERY: &'static str;

    /// One row of the answer.
    type Row: DeserializeOwned;

    /// All of it.
    fn of(rows: Vec<Self::Row>) -> Self;
}

/// What was found out, until something is changed.
struct Found<F>(F);

impl<F: Facts> Snapshot for Found<F> {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let output = of_client(|client| probe.query(&script(client, F::QUERY)))?;
        demand!(!output.truncated, code::MYSQL_ANSWER, "what MySQL says of itself is too long");
        let rows = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let rows: Result<Vec<F::Row>, _> = rows.map(serde_json::from_slice).collect();
        let rows = rows
            .context("cannot read what MySQL says of itself")
            .code(code::MYSQL_ANSWER)
            .hint("is `mariadb` or `mysql` the program of MariaDB or MySQL?")?;
        Ok(Self(F::of(rows)))
    }
}

/// Gives what a kind's query found out, which is asked once until something is changed.
pub(super) fn facts<F: Facts, T>(probe: &Probe<'_>, read: impl FnOnce(&F) -> T) -> Result<T> {
    let found: Arc<Found<F>> = probe.snapshot()?;
    Ok(read(&found.0))
}

/// Runs statements, up to the first that fails.
pub(super) fn run(machine: &Machine<'_>, statements: &[String]) -> Result {
    let _mysql = machine.exclusive("mysql");
    let statements: String = statements.iter().map(|statement| format!("{statement};\n")).collect();
    of_client(|client| machine.run(&script(client, &statements)))?;
    Ok(())
}

/// A command that reads statements from its standard input, and nothing else out of them.
fn script(client: &str, statements: &str) -> Exec {
    foreign::program(client)
        .args(["--batch", "--raw", "--skip-column-names", "--binary-mode", "--protocol=socket"])
        .args(["--default-character-set=utf8mb4", "--delimiter=;"])
        .args(NOT_FROM_OPTION_FILES.map(|option| format!("--skip-{option}")))
        .stdin(format!("{SESSION}{statements}"))
}

/// Runs whichever client there is, and says what to do about a failure.
fn of_client(run: impl Fn(&str) -> Result<Output>) -> Result<Output> {
    let [first, second] = CLIENTS;
    let missing = |result: &Result<Output>| {
        let error = result.as_ref().err().and_then(|error| error.downcast_ref());
        matches!(error, Some(ExecError::NotFound { .. }))
    };
    let mut result = run(first);
    if missing(&result) {
        let other = run(second);
        if missing(&other) {
            let result = result.context(format!("there is neither `{first}` nor `{second}`"));
            return foreign::of_package(result, "mariadb-client");
        }
        result = other;
    }
    let Err(error) = result else { return result };
    let Some(failure) = foreign::failure(&error) else { return Err(error) };
    let said = &failure.stderr_tail;
    if ["ERROR 2002", "ERROR 2003"].iter().any(|number| said.contains(number)) {
        return Err(error)
            .context("cannot connect to the server of MySQL on this host")
            .code(code::MYSQL_CLOSED)
            .hint("start the server in an earlier component (Debian: package `mariadb-server`)");
    }
    if ["ERROR 1045", "ERROR 1698"].iter().any(|number| said.contains(number)) {
        let user = &failure.user;
        let message = format!("the server of MySQL does not let user `{user}` in");
        return Err(error).context(message).code(code::MYSQL_CLOSED).hint(
            "converge as root (`sudo = true`), which the server knows by the socket, or put the \
             account to use and its password into that user's `~/.my.cnf`",
        );
    }
    Err(error).context("MySQL refused it").code(code::MYSQL_ANSWER)
}

/// A name of a database or a table as SQL reads it: `` `shop` ``.
pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text as SQL reads it: `'shop'`.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// An account as SQL reads it: `'shop'@'localhost'`.
pub(super) fn account(user: &str, host: &str) -> String {
    format!("{}@{}", literal(user), literal(host))
}

/// The part of an account that says from where; the server writes it in small letters.
pub(super) fn host_part(host: &str) -> String {
    host.to_ascii_lowercase()
}

/// Refuses what cannot be the name of a database, a table or a user.
pub(super) fn check_name(what: &str, name: &str, longest: usize) -> Result {
    demand!(!name.is_empty(), code::NOT_A_NAME, "the name of the {what} is empty");
    let odd = name.contains(|c: char| c.is_control() || u32::from(c) > 0xffff);
    if odd || name.ends_with(' ') {
        return Err(fault!(
            code::NOT_A_NAME,
            "the name of the {what} `{}` cannot be",
            name.escape_debug()
        ))
        .hint("a name has no control characters, no emoji, and no space at its end");
    }
    let length = name.chars().count();
    if length > longest {
        return Err(fault!(
            code::NOT_A_NAME,
            "the name of the {what} `{name}` has {length} characters"
        ))
        .hint(format!("MySQL takes {longest} at most; shorten it"));
    }
    Ok(())
}

/// The longest name of a database or a table.
pub(super) const LONGEST_NAME: usize = 64;

/// Refuses what cannot be an account.
pub(super) fn check_account(user: &str, host: &str) -> Result {
    check_name("user", user, 80)?;
    check_name("user's host", host, 255)?;
    let wrong = host.contains(['@', '\'', '`', '"', '\\', ' ']);
    if wrong {
        return Err(fault!(code::NOT_A_NAME, "`{host}` is no host that a user can come from")).hint(
            "it is the name or the address of a host, a pattern such as `10.0.%`, or `%` for all",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_quoted_whatever_stands_in_them() {
        let table = [
            ("shop", "`shop`", "'shop'"),
            ("", "``", "''"),
            ("o'hara", "`o'hara`", "'o''hara'"),
            ("a`b", "`a``b`", "'a`b'"),
            (r"a\b", r"`a\b`", r"'a\\b'"),
            (r"\'; --", r"`\'; --`", r"'\\''; --'"),
            ("a\"b", "`a\"b`", "'a\"b'"),
            ("größe", "`größe`", "'größe'"),
        ];
        for (given, name, text) in table {
            assert_eq!(identifier(given), name);
            assert_eq!(literal(given), text);
        }
        assert_eq!(account("o'hara", "%"), "'o''hara'@'%'");
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        let refusal = |name: &str| check_name("user", name, 8).err().map(|e| format!("{e:#}"));
        assert_eq!(refusal("shop"), None);
        assert_eq!(refusal("größeren"), None);
        assert_eq!(refusal("").as_deref(), Some("the name of the user is empty"));
        assert!(refusal("a\0").is_some_and(|said| said.contains(r"`a\0` cannot be")));
        assert!(refusal("a ").is_some_and(|said| said.contains("`a ` cannot be")));
        assert!(refusal("🦀").is_some());
        assert!(refusal("123456789").is_some_and(|said| said.contains("has 9 characters")));
    }

    #[test]
    fn what_cannot_be_a_host_is_refused() {
        for host in ["localhost", "%", "10.0.%", "10.0.0.0/255.0.0.0", "::1", "db_1.example.org"] {
            assert!(check_account("shop", host).is_ok(), "{host}");
        }
        for host in ["", "a@b", "'%'", "a b", "%\\"] {
            assert!(check_account("shop", host).is_err(), "{host}");
        }
    }
}
