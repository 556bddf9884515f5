use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use insta::assert_snapshot;
use togusa_core::host::Ownership;
use togusa_core::prelude::*;
use togusa_core::testing::{Drift, Harness};

use super::failure;

/// A file with a mode in a directory, a link to it, and what its components fail to see or do.
#[derive(Debug, Attributes)]
struct Site {
    /// The file is looked at no closer than whether it is there.
    #[attribute(default = false)]
    blind: bool,
    /// The file is written through whatever is in its place.
    #[attribute(default = false)]
    careless: bool,
    /// Mending something leaves something else behind.
    #[attribute(default = false)]
    messy: bool,
}

impl Component for Site {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let (directory, file) = (scope.path("pages"), scope.path("pages/index"));
        scope.manages("directory", directory.as_str());
        scope.add(Directory(directory));
        let (blind, careless, messy) = (self.blind, self.careless, self.messy);
        scope.add(Page { path: file, blind, careless, messy });
        scope.add(Link(scope.path("current")));
        Ok(())
    }
}

#[derive(Debug)]
struct Directory(HostPath);

impl Component for Directory {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let entry = probe.entry(&self.0)?;
        let is_right = entry.is_some_and(|it| it.is_directory() && it.mode == 0o700);
        Ok(Verdict::expect(is_right, Change::create("directory")))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if machine.entry(&self.0)?.is_some_and(|entry| !entry.is_directory()) {
            machine.remove(&self.0)?;
        }
        if machine.entry(&self.0)?.is_none() {
            return machine.create_directory(&self.0, &Ownership::mode(0o700));
        }
        machine.set_mode(&self.0, 0o700)
    }
}

#[derive(Debug)]
struct Page {
    path: HostPath,
    blind: bool,
    careless: bool,
    messy: bool,
}

impl Component for Page {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.path.as_str().into())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let Some(entry) = probe.entry(&self.path)? else {
            return Ok(Verdict::stale(Change::create("file")));
        };
        if self.blind {
            return Ok(Verdict::current());
        }
        // Who follows links is led astray by one.
        let is_file = entry.is_file() || self.careless && entry.is_symlink();
        let is_right = is_file
            && (self.careless || entry.mode == 0o640)
            && std::fs::read(probe.local(&self.path))? == b"hello\n";
        Ok(Verdict::expect(is_right, "other content"))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let path = machine.local(&self.path);
        if machine.entry(&self.path)?.is_some_and(|entry| entry.is_directory()) {
            machine.remove(&self.path)?;
        }
        if self.careless {
            std::fs::write(path, "hello\n")?;
            machine.set_mode(&self.path, 0o640)?;
        } else {
            machine.write(&self.path, "hello\n", &Ownership::mode(0o640))?;
        }
        if self.messy {
            let home = HostPath::new(&machine.host().name, "~/backup");
            machine.write(&home, "made once\n", &Ownership::default())?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Link(HostPath);

impl Component for Link {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let is_right = probe.entry(&self.0)?.is_some_and(|entry| entry.is_symlink())
            && probe.read_link(&self.0)? == Path::new("pages/index");
        Ok(Verdict::expect(is_right, Change::create("link")))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if machine.entry(&self.0)?.is_some_and(|entry| entry.is_directory()) {
            machine.remove(&self.0)?;
        }
        machine.symlink(&self.0, "pages/index")
    }
}

fn site() -> Harness {
    Harness::new(Registry::new().with::<Site>("site")).host("web", ["site"])
}

#[test]
fn drift_of_every_kind_is_mended_by_who_looks() {
    site().assert_mends();
}

#[test]
fn drift_that_nobody_sees_is_told_by_path_and_kind() {
    let harness = site().set("web", "site", "blind", true);
    assert_snapshot!(failure(AssertUnwindSafe(|| harness.assert_mends())), @r#"
    5 of 14 drifts were not seen or not mended:

    web  site/pages/index: its content was changed
      plan does not show it
    web  site/pages/index: it was emptied
      plan does not show it
    web  site/pages/index: its mode was changed
      plan does not show it
    web  site/pages/index: a directory was put in its place
      plan does not show it
    web  site/pages/index: a link was put in its place
      plan does not show it

    hint: what components are meant to leave alone is left out by `.drifts().except("PATH").assert_mends()`
    "#);
}

#[test]
fn drift_that_is_not_mended_is_told_with_what_is_left() {
    let harness = site().set("web", "site", "careless", true);
    assert_snapshot!(failure(AssertUnwindSafe(|| harness.assert_mends())), @r#"
    2 of 14 drifts were not seen or not mended:

    web  site/pages/index: its mode was changed
      plan does not show it
    web  site/pages/index: a link was put in its place
      plan does not show it

    hint: what components are meant to leave alone is left out by `.drifts().except("PATH").assert_mends()`
    "#);
}

#[test]
fn what_mending_leaves_behind_is_told() {
    let harness = site();
    harness.assert_converges();
    let harness = harness.set("web", "site", "messy", true);
    let told = failure(AssertUnwindSafe(|| harness.assert_mends()));
    assert!(told.contains("after deploy `~/backup` is new on web"), "{told}");
}

#[test]
fn what_is_meant_to_be_left_alone_is() {
    let harness = site().set("web", "site", "blind", true);
    harness.assert_mends_except(["site/pages/index"]);
    let drifts = harness.drifts().except_of(Drift::Content, "site/*/index");
    let drifts = drifts.except_of(Drift::Emptied, "site/**").except_of(Drift::Mode, "site/pages/*");
    let told = failure(AssertUnwindSafe(|| drifts.assert_mends()));
    assert!(told.starts_with("2 of 11 drifts"), "{told}");
}

#[test]
fn what_is_managed_outside_of_the_harness_is_not_touched() {
    #[derive(Debug, Attributes)]
    struct Outside {}
    impl Component for Outside {
        fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
            let path = scope.path("/etc/passwd");
            scope.manages("file", path.as_str());
            Ok(())
        }
    }
    let harness = Harness::new(Registry::new().with::<Outside>("outside")).host("web", ["outside"]);
    assert_snapshot!(failure(AssertUnwindSafe(|| harness.assert_mends())), @r#"`/etc/passwd` of Outside lies outside of the harness, where no drift is made; `harness.sandbox("web")` puts it below the home of the host"#);
}

#[test]
fn a_tilde_within_a_name_is_no_home() {
    #[derive(Debug, Attributes)]
    struct Kept {
        path: String,
    }
    impl Component for Kept {
        fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
            scope.manages("file", &self.path);
            Ok(())
        }
    }
    let kept = tempfile::NamedTempFile::with_suffix("~").unwrap();
    let path = kept.path().display().to_string();
    let harness = Harness::new(Registry::new().with::<Kept>("kept")).host("web", ["kept"]).set(
        "web",
        "kept",
        "path",
        path.as_str(),
    );
    let told = failure(AssertUnwindSafe(|| harness.assert_mends()));
    assert!(told.starts_with(&format!("`{path}` of Kept lies outside of the harness")), "{told}");
}
