//! What a Varnish that runs has loaded.

use std::path::Path;

use togusa_core::digest::Digest;
use togusa_core::prelude::*;

use crate::foreign;

/// How long a command may take that changes something, in seconds: a compiler runs, and others may be
/// waited for.
const LONG: &str = "120";

/// How long a Varnish is looked for, in seconds.
const SOON: &str = "0.2";

/// What `varnishadm` says where no Varnish runs.
const NOBODY: &str = "is it running?";

/// A configuration that was loaded, and is not given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loaded {
    pub(super) name: String,
    pub(super) is_active: bool,
    /// Whether labels lead to it: then it cannot be discarded.
    pub(super) has_labels: bool,
}

impl Loaded {
    /// Whether its name has a prefix, and was made by [`new_name`].
    pub(super) fn is_own(&self, prefix: &str) -> bool {
        self.name.strip_prefix(prefix).is_some_and(|number| number.parse::<u64>().is_ok())
    }
}

/// What the names of configurations begin with that were loaded of a file: a Varnish may use several, and
/// each has a component of its own.
pub(super) fn prefix(file: &Path) -> String {
    let digest = Digest::of(file.as_os_str().as_encoded_bytes()).to_string();
    format!("togusa-{}-", &digest[..8])
}

/// The command line of a Varnish.
pub(super) fn varnishadm(instance: Option<&str>) -> Exec {
    let exec = foreign::program("varnishadm");
    match instance {
        Some(instance) => exec.args(["-n", instance]),
        None => exec,
    }
}

/// The command line by which a Varnish is changed.
pub(super) fn change(instance: Option<&str>, args: &[&str]) -> Exec {
    varnishadm(instance).args(["-t", LONG]).args(args.iter().copied())
}

/// Asks a Varnish something; nothing if it does not run.
pub(super) fn ask(
    probe: &Probe<'_>,
    instance: Option<&str>,
    question: &str,
) -> Result<Option<String>> {
    // For one that does not run it would wait for seconds.
    let soon = varnishadm(instance).args(["-t", SOON, question]);
    let asked = foreign::of_package(probe.query(&soon), "varnish");
    let Err(error) = asked else { return asked.map(|output| Some(output.stdout_text())) };
    let Some(failed) = foreign::failure(&error) else { return Err(error) };
    if failed.stderr_tail.contains(NOBODY) || failed.stdout_tail.contains(NOBODY) {
        return Ok(None);
    }
    // It runs, and was busy, or has something to say.
    let output = probe.query(&varnishadm(instance).arg(question))?;
    Ok(Some(output.stdout_text()))
}

/// All that `vcl.list` tells of, but what is given up.
pub(super) fn parse(told: &str) -> Vec<Loaded> {
    let line = |line: &str| {
        // A label is followed by what it stands for, and that by how many stand for it.
        let has_labels = line.contains("<-");
        let told = line.split("->").next()?.split("<-").next()?;
        let mut words = told.split_whitespace();
        let (status, name) = (words.next()?, words.next_back()?);
        let is_there = ["active", "available"].contains(&status);
        is_there.then(|| Loaded {
            name: name.to_owned(),
            is_active: status == "active",
            has_labels,
        })
    };
    told.lines().filter_map(line).collect()
}

/// A name that nothing has.
pub(super) fn new_name(told: &str, prefix: &str) -> String {
    // Also of what is given up, which keeps its name until nobody uses it any more.
    let numbers =
        told.split_whitespace().filter_map(|word| word.strip_prefix(prefix)?.parse().ok());
    let last: u64 = numbers.max().unwrap_or(0);
    format!("{prefix}{}", last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "togusa-0123abcd-";

    /// Varnish 7.1.1.
    const TOLD: &str = "discarded   cold    busy         1    togusa-0123abcd-9\n\
                        available   auto    warm         1    boot    <-    (1 label)\n\
                        available   label    warm         0    shop    ->    boot\n\
                        available   auto    warm         0    togusa-4567abcd-12\n\
                        active      auto    warm         1    togusa-0123abcd-10\n\n";

    #[test]
    fn what_is_loaded_is_read() {
        let loaded = parse(TOLD);
        let names: Vec<_> = loaded.iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["boot", "shop", "togusa-4567abcd-12", "togusa-0123abcd-10"]);
        let active: Vec<_> = loaded.iter().filter(|one| one.is_active).collect();
        assert!(active.len() == 1 && active[0].is_own(OWN), "{active:?}");
        assert!(!loaded[0].is_own(OWN) && !loaded[2].is_own(OWN));
        assert!(loaded[0].has_labels && !loaded[1].has_labels && !loaded[3].has_labels);
        // Varnish 6.
        let older = parse("active      auto/warm          0 boot\n");
        assert_eq!(older, [Loaded { name: "boot".into(), is_active: true, has_labels: false }]);
    }

    #[test]
    fn a_new_name_was_never_used() {
        assert_eq!(new_name(TOLD, OWN), "togusa-0123abcd-11");
        assert_eq!(new_name("active auto warm 1 boot", OWN), "togusa-0123abcd-1");
        assert_ne!(prefix(Path::new("/a.vcl")), prefix(Path::new("/b.vcl")));
    }
}
