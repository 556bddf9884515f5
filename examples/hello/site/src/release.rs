//! Releases: each a copy of what was built, one of them shown.

use togusa::prelude::*;

/// The link `current` leads to a release, a copy of what was built when this was triggered last.
///
/// Readers see the old release or the whole new one: the link is redirected in one moment.
#[derive(Debug)]
pub struct Release {
    built: &'static str,
    keep: usize,
    work: Option<HostPath>,
}

impl Release {
    /// A release of a directory below the root's work directory; `keep` releases stay.
    pub fn new(built: &'static str, keep: usize) -> Self {
        Self { built, keep, work: None }
    }

    fn below(&self, path: &str) -> Result<HostPath> {
        Ok(self.work.as_ref().context("the release was not configured")?.join(path))
    }

    /// The numbers of the releases that are there, the oldest first.
    fn numbers(&self, probe: &Probe<'_>) -> Result<Vec<u64>> {
        let names = probe.list(&self.below("releases")?)?;
        let mut numbers: Vec<_> = names.iter().filter_map(|name| name.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}

impl Component for Release {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(Directory::new("releases"));
        scope.manages("symlink", scope.path("current").as_str());
        self.work = Some(scope.work_directory());
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let published = probe.entry(&self.below("current/checksums")?)?.is_some();
        Ok(Verdict::expect(published, Change::create("release")))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let mut numbers = self.numbers(machine)?;
        let release = format!("releases/{}", numbers.last().map_or(1, |last| last + 1));
        let copy = Exec::new("cp").args(["-R", self.built, &release]);
        machine.run(&copy.directory(&self.below(".")?))?;
        machine.symlink(&self.below("current")?, &release)?;
        // The new release is not among the numbers, and counts too.
        while numbers.len() >= self.keep {
            machine.remove(&self.below(&format!("releases/{}", numbers.remove(0)))?)?;
        }
        Ok(())
    }
}
