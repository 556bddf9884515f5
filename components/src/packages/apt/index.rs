//! The index: which packages there are to install.

use std::time::{Duration, SystemTime};

use togusa_core::host::Ownership;
use togusa_core::prelude::*;

use super::tools;

/// What Ubuntu's apt changes with every index that it has fetched, and this too.
const STAMP: &str = "/var/lib/apt/periodic/update-success-stamp";

/// Where the index lies: apt changes it whenever it fetches something new.
const LISTS: [&str; 2] = ["/var/lib/apt/lists", "/var/lib/apt/lists/partial"];

/// What tells when the index was fetched, and the times that it tells.
fn times(probe: &Probe<'_>) -> Result<Vec<(HostPath, Option<SystemTime>)>> {
    let paths = [STAMP].into_iter().chain(LISTS);
    let paths = paths.map(|path| HostPath::new(&probe.host().name, path));
    paths
        .map(|path| {
            let entry = probe.entry(&path)?;
            Ok((path, entry.map(|entry| entry.modified)))
        })
        .collect()
}

/// Whether the index was fetched not longer ago than this.
pub(super) fn is_younger(probe: &Probe<'_>, age: Duration) -> Result<bool> {
    let fetched = times(probe)?.into_iter().filter_map(|(_, time)| time).max();
    let Some(fetched) = fetched else { return Ok(false) };
    // One from the future is as good as new: the clock was wrong then, or is now.
    let elapsed = SystemTime::now().duration_since(fetched).unwrap_or_default();
    Ok(elapsed <= age)
}

/// Fetches the index; an address that cannot be reached is an error, which apt alone takes for none.
pub(super) fn refresh(machine: &Machine<'_>, more: &[String], wait: Duration) -> Result {
    let update = tools::silent("apt-get", wait).args(["-o", "APT::Update::Error-Mode=any"]);
    let update = update.arg("update").args(more.iter().cloned());
    match tools::run(machine, &update, wait) {
        Err(error) if tools::is_unreachable(&error) => {
            return Err(error).hint("correct the sources below `/etc/apt`, or make them reachable");
        }
        done => done?,
    }
    if more.is_empty() {
        let stamp = HostPath::new(&machine.host().name, STAMP);
        machine.create_leading(&stamp)?;
        machine.write(&stamp, "", &Ownership { mode: Some(0o644), ..Ownership::default() })?;
    }
    Ok(())
}

/// The index of one file of sources, which is fetched when that file or its key has changed.
#[derive(Debug)]
pub(in crate::packages) struct Refresh {
    /// The file; `None`: it is gone, and so is its index.
    pub(in crate::packages) sources: Option<HostPath>,
}

impl Component for Refresh {
    fn update(&self, machine: &Machine<'_>) -> Result {
        let _packages = tools::alone(machine)?;
        let wait = Duration::from_secs(10 * 60);
        let Some(sources) = &self.sources else { return refresh(machine, &[], wait) };
        let sources = machine.local(sources).display().to_string();
        let only = [
            format!("Dir::Etc::SourceList={sources}"),
            "Dir::Etc::SourceParts=-".to_owned(),
            // The indexes of all other sources would be removed.
            "APT::Get::List-Cleanup=0".to_owned(),
        ];
        let only: Vec<_> = only.into_iter().flat_map(|it| ["-o".to_owned(), it]).collect();
        let before = times(machine)?;
        refresh(machine, &only, wait)?;
        // The index of all other sources is as old as it was.
        for (path, time) in before {
            if machine.entry(&path)?.is_some() {
                machine.set_modified(&path, time.unwrap_or(SystemTime::UNIX_EPOCH))?;
            }
        }
        Ok(())
    }
}
