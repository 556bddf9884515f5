//! The configuration that a running server has, and how it is asked for it.

use std::collections::BTreeMap;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Output;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::foreign;

/// Settings that the server tells in another way than they are written, or not at all.
const TOLD_OTHERWISE: [&str; 9] = [
    "client-output-buffer-limit",
    "include",
    "loadmodule",
    "notify-keyspace-events",
    "oom-score-adj-values",
    "rename-command",
    "replicaof",
    "slaveof",
    "user",
];

/// Settings of words, which the server reads in any case and tells in small letters.
const OF_WORDS: [&str; 12] = [
    "acl-pubsub-default",
    "appendfsync",
    "cluster-preferred-endpoint-type",
    "loglevel",
    "maxmemory-policy",
    "oom-score-adj",
    "propagation-error-behavior",
    "repl-diskless-load",
    "sanitize-dump-payload",
    "supervised",
    "syslog-facility",
    "tls-auth-clients",
];

/// The settings of a server by their names.
pub(super) type Settings = BTreeMap<String, String>;

/// How a server is asked.
pub(super) struct Server<'a> {
    /// Arguments of `redis-cli` that say where it is.
    pub(super) at: Vec<String>,
    pub(super) password: Option<&'a Secret>,
}

impl Server<'_> {
    /// Commands on the standard input, where nobody sees them.
    fn client(&self, commands: &str) -> Exec {
        let client = foreign::program("redis-cli").args(&self.at).stdin(commands).sensitive();
        let client = client.accept([0, 1]);
        match self.password {
            // A variable of a process can be read by its own user and root alone.
            Some(password) => client.env("REDISCLI_AUTH", password.expose()),
            None => client,
        }
    }

    /// All settings.
    pub(super) fn settings(&self, probe: &Probe<'_>) -> Result<Settings> {
        let output = explained(probe.query(&self.client("CONFIG GET *\n")))?;
        let text = output.stdout_text();
        let refused = text.starts_with("NOAUTH") || output.stderr_text().contains("WRONGPASS");
        if refused {
            return Err(fault!(code::REDIS_PASSWORD, "the server takes another password")).hint(
                "somebody changed it while the server runs: restart it, which reads its files",
            );
        }
        let lines: Vec<_> = text.lines().collect();
        let pairs = lines.chunks_exact(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned()));
        let settings: Settings = pairs.collect();
        if !settings.contains_key("maxmemory") {
            let said = lines.first().copied().unwrap_or_default();
            return Err(fault!(
                code::REDIS_ANSWER,
                "the server does not tell its settings: {said}"
            ))
            .hint("is it Redis, and may this user run `CONFIG`?");
        }
        Ok(settings)
    }

    /// Changes settings while it runs.
    pub(super) fn set<'s>(
        &self,
        machine: &Machine<'_>,
        settings: impl IntoIterator<Item = (&'s str, &'s str)>,
    ) -> Result {
        for (name, value) in settings {
            let command = format!("CONFIG SET {name} {}\n", quoted(value));
            let said = explained(machine.run(&self.client(&command)))?.stdout_text();
            let said = said.trim();
            if said != "OK" {
                let message = fault!(code::REDIS_ANSWER, "the server refused `{name}`: {said}");
                return Err(message).hint("restart it, so that it reads its files");
            }
        }
        Ok(())
    }
}

/// A value as the server and its client read it.
pub(super) fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// Whether a running server has what is written.
pub(super) fn is_same(name: &str, running: &str, written: &str) -> bool {
    let is_of_words = ["yes", "no"].contains(&running) || OF_WORDS.contains(&name);
    TOLD_OTHERWISE.contains(&name)
        || running == written
        || (is_of_words && running.eq_ignore_ascii_case(written))
        || (name == "unixsocketperm" && running == written.trim_start_matches('0'))
        || bytes(written).is_some_and(|bytes| running == bytes.to_string())
        || running.split_whitespace().eq(written.split_whitespace())
}

/// A size: `100mb` and `100m` are not the same.
fn bytes(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let unit = match unit {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// Says of a client that reaches nobody what to do.
fn explained(result: Result<Output>) -> Result<Output> {
    let result = foreign::of_package(result, "redis-tools");
    let output = match result {
        Err(error) if foreign::failure(&error).is_some() => {
            return Err(error).context("Redis refused it").code(code::REDIS_ANSWER);
        }
        result => result?,
    };
    // A client that reads its commands from its standard input may end well all the same.
    let said = output.stderr_text();
    if !said.contains("Could not connect") {
        return Ok(output);
    }
    Err(fault!(code::REDIS_CLOSED, "Redis cannot be reached: {}", said.trim()))
        .hint("the end of its log tells whether it runs, and where it listens")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_is_the_same() {
        for (name, running, written) in [
            ("maxmemory", "104857600", "100mb"),
            ("maxmemory", "100000000", "100M"),
            ("appendonly", "yes", "YES"),
            ("save", "900 1 300 10", "900 1  300 10"),
            ("save", "", ""),
            ("notify-keyspace-events", "AKE", "KEA"),
            ("maxmemory-policy", "allkeys-lru", "ALLKEYS-LRU"),
            ("unixsocketperm", "700", "0700"),
        ] {
            assert!(is_same(name, running, written), "{name} {running} {written}");
        }
        assert!(!is_same("maxmemory", "104857600", "100m"));
        assert!(!is_same("save", "", "900 1"));
        assert!(!is_same("logfile", "/var/log/Redis.log", "/var/log/redis.log"));
    }

    #[test]
    fn a_value_is_quoted_whatever_stands_in_it() {
        assert_eq!(quoted(r#"a "b\"#), r#""a \"b\\""#);
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
    }
}
