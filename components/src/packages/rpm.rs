//! Packages in the form of RPM, which several programs install.

use std::sync::Arc;

use togusa_core::host::Snapshot;
use togusa_core::prelude::*;

use super::manager::{Versions, ask};
use crate::foreign;

const FORMAT: &str = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\n";

/// What names are made of beside what all are: `perl(DBI)`, `libssl.so.3()(64bit)`, `/usr/bin/perl`.
pub(super) const IN_NAMES: &str = "+()/:~^[]";

/// What the database of RPM has.
#[derive(Debug)]
pub(super) struct Rpms(pub(super) Arc<Versions>);

impl Snapshot for Rpms {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let query = foreign::program("rpm").args(["--query", "--all", "--queryformat", FORMAT]);
        Ok(Self(Arc::new(parse(&ask(probe, &query)?))))
    }
}

pub(super) fn parse(text: &str) -> Versions {
    let mut versions = Versions::default();
    for line in text.lines() {
        let [name, epoch, version, release, architecture] =
            line.split('\t').collect::<Vec<_>>()[..]
        else {
            continue;
        };
        let epoch = if epoch == "0" { String::new() } else { format!("{epoch}:") };
        let version = format!("{epoch}{version}-{release}");
        versions.insert(name, &*version);
        versions.insert(format!("{name}.{architecture}"), version);
    }
    versions
}

/// Whether an installed package stands for a name, such as `perl(DBI)`.
pub(super) fn provides(probe: &Probe<'_>, name: &str) -> Result<bool> {
    let query = foreign::program("rpm").args(["--query", "--whatprovides", name]);
    Ok(probe.query(&query.accept([0, 1]))?.code == 0)
}

/// Whether a version with epoch and release is the one that was asked for, which may lack them.
pub(super) fn is_version(there: &str, wanted: &str) -> bool {
    let without_epoch = there.split_once(':').map_or(there, |(_, rest)| rest);
    let there = if wanted.contains(':') { there } else { without_epoch };
    let without_release = there.rsplit_once('-').map_or(there, |(version, _)| version);
    wanted == if wanted.contains('-') { there } else { without_release }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoch_and_release_need_not_be_named() {
        for wanted in ["1:2.0-3.fc39", "2.0-3.fc39", "1:2.0", "2.0"] {
            assert!(is_version("1:2.0-3.fc39", wanted), "{wanted}");
        }
        for wanted in ["2:2.0", "2", "2.0-3", "2.0-3.fc3", "0:2.0"] {
            assert!(!is_version("1:2.0-3.fc39", wanted), "{wanted}");
        }
        assert!(is_version("2.0-1", "2.0") && !is_version("2.0.1-1", "2.0"));
    }
}
