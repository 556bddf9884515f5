//! What a host says of itself.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// What a host said; what it did not say is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Answers {
    /// By how many seconds its clock is ahead of the one here; 0 where no difference can be seen.
    pub clock: Option<f64>,
    /// The user who logs in.
    pub login: Option<String>,
    /// `uname -s`, such as `Linux`.
    pub system: Option<String>,
    /// `uname -m`, such as `x86_64`.
    pub machine: Option<String>,
    /// `uname -r`.
    pub kernel: Option<String>,
    /// The name that the host gives itself.
    pub hostname: Option<String>,
    /// The distribution and its version: `debian 12`.
    pub release: Option<String>,
    /// The same in its own words: `Debian GNU/Linux 12 (bookworm)`.
    pub distribution: Option<String>,
    /// How many cores it has.
    pub cores: Option<u64>,
    /// The size of its memory in MiB.
    pub memory_mb: Option<u64>,
    /// The login shell.
    pub shell: Option<String>,
    /// The version of OpenSSH.
    pub openssh: Option<String>,
    /// The version of sudo.
    pub sudo: Option<String>,
    /// Its addresses, without those that no other host can reach.
    pub addresses: Vec<String>,
    /// The user who converges; `None`: the login could not become that user.
    pub user: Option<String>,
    /// The store.
    pub store: Place,
    /// The target directory.
    pub target: Place,
    /// The digests of the agents in the store.
    pub agents: BTreeSet<String>,
    /// The content of `TARGET/.togusa/identity.json`.
    #[serde(skip)]
    pub identity: Option<String>,
    /// The content of `TARGET/.togusa/holder.json`, while the lock is held.
    #[serde(skip)]
    pub holder: Option<String>,
    /// What does not work: a kind and its details, as a push says them.
    #[serde(skip)]
    pub failures: Vec<(String, String)>,
    /// What the command of the converging user printed as errors.
    #[serde(skip)]
    pub said: Vec<String>,
    /// The exit code of that command; `None`: it did not end.
    #[serde(skip)]
    pub end: Option<i32>,
    /// Whether all was looked at.
    #[serde(skip)]
    pub is_whole: bool,
}

/// A directory of a host, which may not be there yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Place {
    /// The nearest directory that is there.
    pub directory: Option<String>,
    /// The space that is free there, in bytes.
    pub free: Option<u64>,
}

impl Answers {
    /// Reads a line: a word and the rest. `sent` is when the question left, now is when the line is
    /// here. Tells whether it was the last line.
    pub fn take(&mut self, line: &str, sent: SystemTime) -> bool {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let text = || Some(rest.to_owned()).filter(|text| !text.is_empty());
        let bytes = || rest.parse::<u64>().ok().and_then(|blocks| blocks.checked_mul(1024));
        match word {
            "clock" => self.clock = offset(rest, sent, SystemTime::now()),
            "login" => self.login = text(),
            "system" => self.system = text(),
            "machine" => self.machine = text(),
            "kernel" => self.kernel = text(),
            "hostname" => self.hostname = text(),
            "release" => self.release = text(),
            "distribution" => self.distribution = text(),
            "cores" => self.cores = rest.parse().ok(),
            "memory" => self.memory_mb = rest.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024),
            "shell" => self.shell = text(),
            "openssh" => self.openssh = text(),
            "sudo" => self.sudo = text(),
            "address" => self.addresses.extend(text()),
            "user" => self.user = text(),
            "store" => self.store.directory = text(),
            "store-space" => self.store.free = bytes(),
            "target" => self.target.directory = text(),
            "target-space" => self.target.free = bytes(),
            "agent" => self.agents.extend(text()),
            "identity" => self.identity = text(),
            "holder" => self.holder = text(),
            "fail" => {
                let (kind, detail) = rest.split_once(' ').unwrap_or((rest, ""));
                self.failures.push((kind.to_owned(), detail.trim().to_owned()));
            }
            "said" => self.said.push(rest.to_owned()),
            "done" => self.is_whole = true,
            "end" => {
                self.end = rest.parse().ok();
                return true;
            }
            // Whoever knows the tag says nothing else.
            _ => {}
        }
        false
    }

    /// What does not work of this kind, in the words of the host.
    pub fn failure(&self, kind: &str) -> Option<&str> {
        let found = self.failures.iter().find(|(found, _)| found == kind);
        found.map(|(_, detail)| detail.as_str())
    }
}

/// By how much a clock is ahead that said `SECONDS.FRACTION` somewhere between `sent` and `heard`.
/// Not every `date` knows fractions.
fn offset(said: &str, sent: SystemTime, heard: SystemTime) -> Option<f64> {
    let seconds =
        |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64();
    let (earliest, uncertain) = match said.parse::<f64>() {
        Ok(said) if said.fract() != 0.0 => (said, 0.0),
        Ok(said) => (said, 1.0),
        Err(_) => (said.split('.').next()?.parse().ok()?, 1.0),
    };
    // What is no time at all, such as `inf`.
    Duration::try_from_secs_f64(earliest).ok()?;
    let behind = earliest - seconds(heard);
    let ahead = earliest + uncertain - seconds(sent);
    Some(if behind <= 0.0 && ahead >= 0.0 { 0.0 } else { behind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_clock_is_off_only_where_the_way_there_does_not_explain_it() {
        assert_eq!(offset("1000.5", at(1000.0), at(1001.0)), Some(0.0));
        assert_eq!(offset("1000.5", at(1000.6), at(1002.0)), Some(-1.5));
        assert_eq!(offset("1010.5", at(1000.0), at(1000.25)), Some(10.25));
        // Whole seconds may be almost a second old.
        assert_eq!(offset("1000.%N", at(1000.9), at(1000.95)), Some(0.0));
        assert_eq!(offset("1000", at(1000.9), at(1000.95)), Some(0.0));
        assert_eq!(offset("990.", at(1000.0), at(1000.0)), Some(-10.0));
        for said in ["now", "inf", "-inf", "nan", "1e300", "-1"] {
            assert_eq!(offset(said, at(0.0), at(0.0)), None, "{said}");
        }
    }

    #[test]
    fn lines_are_read_and_what_is_none_is_left_out() {
        let mut answers = Answers::default();
        let lines = [
            "login deploy",
            "shell ",
            "memory 16308972",
            "store-space 2048",
            "fail write-store cat: no",
            "agent ab",
            "strange 1",
            "address",
            "done",
        ];
        assert!(!lines.iter().any(|line| answers.take(line, at(0.0))));
        assert!(answers.take("end 0", at(0.0)) && answers.is_whole);
        assert_eq!(answers.login.as_deref(), Some("deploy"));
        assert_eq!((answers.shell.as_ref(), answers.memory_mb), (None, Some(15926)));
        assert_eq!((answers.store.free, answers.addresses.len()), (Some(2_097_152), 0));
        assert_eq!(answers.failure("write-store"), Some("cat: no"));
    }
}
