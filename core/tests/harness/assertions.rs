use std::panic::AssertUnwindSafe;

use insta::assert_snapshot;
use togusa_core::prelude::*;
use togusa_core::testing::Harness;

use super::{failure, place};

/// A file with a line, which the host counts in another.
#[derive(Debug, Attributes)]
struct Page {
    #[attribute(default = "hello")]
    text: String,
    /// It is written anew each time.
    #[attribute(default = false)]
    restless: bool,
    #[attribute(default = false)]
    fails: bool,
}

impl Component for Page {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let text = Text(self.text.clone(), scope.path("page"), self.restless);
        let text = scope.add(text);
        scope.on_change(&text).add(Reload(self.fails));
        Ok(())
    }
}

#[derive(Debug)]
struct Text(String, HostPath, bool);

impl Component for Text {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let Self(text, path, restless) = self;
        let before = match probe.entry(path)? {
            Some(_) => probe.read_to_string(path)?,
            None => String::new(),
        };
        if *restless {
            // Every other look finds something to do.
            let looks = HostPath::new(&probe.host().name, "~/looks");
            let before = std::fs::read(probe.local(&looks)).unwrap_or_default();
            std::fs::write(probe.local(&looks), [&before[..], b"."].concat())?;
            let is_current = before.len() % 2 == 1;
            return Ok(Verdict::expect(is_current, format!("in {}", path.as_str())));
        }
        if before == format!("{text}\n") {
            return Ok(Verdict::current());
        }
        Ok(Verdict::stale(Change::text(&before, &format!("{text}\n"))))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        machine.write(&self.1, &format!("{}\n", self.0), &Default::default())
    }
}

#[derive(Debug)]
struct Reload(bool);

impl Component for Reload {
    fn update(&self, machine: &Machine<'_>) -> Result {
        let script = if self.0 { "echo no good >&2; exit 3" } else { ":" };
        machine.run(&Exec::shell(script))?;
        Ok(())
    }
}

fn harness() -> Harness {
    Harness::new(Registry::new().with::<Page>("page")).host("web1", ["page"]).host("web2", ["page"])
}

fn told(test: impl FnOnce()) -> String {
    failure(AssertUnwindSafe(test))
}

#[test]
fn a_run_as_text_is_the_same_each_time() {
    let harness = harness().set("web2", "page", "text", "good\nbye");
    assert_snapshot!(harness.plan(), @"
    web1  Page > Text
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +hello
    web1  Page > Reload
      ~ triggered by Page > Text
    web2  Page > Text
      ~ content (+2 -0 lines)
          @@ -0,0 +1,2 @@
          +good
          +bye
    web2  Page > Reload
      ~ triggered by Page > Text

    page@web1  planned, 1 changed, 1 triggered
    page@web2  planned, 1 changed, 1 triggered
    ");
    let run = harness.assert_plan_matches_deploy();
    assert!(run.to_string().ends_with("page@web2  converged, 1 changed, 1 triggered"), "{run}");
    assert_snapshot!(harness.plan(), @"
    page@web1  planned
    page@web2  planned
    ");
}

#[test]
fn a_failed_run_as_text_tells_why() {
    let harness = harness().set("web1", "page", "fails", true);
    assert_snapshot!(harness.assert_fails_with("exited with 3"), @"
    web1  Page > Text
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +hello
    web1  Page > Reload
      error: update failed
        1: command `sh -c 'echo no good >&2; exit 3'` exited with 3 after … s
        2: in directory `~` as user `USER`
        3: stderr ends with:
           | no good
    web2  Page > Text
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +hello
    web2  Page > Reload
      ~ triggered by Page > Text

    page@web1  failed, 1 changed
    page@web2  converged, 1 changed, 1 triggered
    ");
}

#[test]
fn who_does_not_converge_is_told_what_changed_again() {
    let harness = harness().set("web1", "page", "restless", true);
    assert_snapshot!(told(|| drop(harness.assert_converges())), @"
    the second run changed something:

    web1  Page > Text
      ~ in ~/target/work/page/page
    web1  Page > Reload
      ~ triggered by Page > Text

    page@web1  converged, 1 changed, 1 triggered
    page@web2  converged
    ");
}

#[test]
fn a_deployment_that_does_something_else_than_planned_is_told_from_it() {
    let harness = harness().set("web1", "page", "restless", true);
    assert_snapshot!(told(|| drop(harness.assert_plan_matches_deploy())), @"
    the deployment did not do what was planned

    planned and not done:
    page@web1: Page > Reload
      triggered by Page > Text
    page@web1: Page > Text
      ~ in ~/target/work/page/page

    done and not planned:
    nothing
    ");
}

#[test]
fn a_failure_that_did_not_come_shows_what_did() {
    let harness = harness();
    assert_snapshot!(told(|| drop(harness.assert_fails_with("no space"))), @"
    the run was to fail of `no space`, but:

    web1  Page > Text
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +hello
    web1  Page > Reload
      ~ triggered by Page > Text
    web2  Page > Text
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +hello
    web2  Page > Reload
      ~ triggered by Page > Text

    page@web1  converged, 1 changed, 1 triggered
    page@web2  converged, 1 changed, 1 triggered
    ");
    assert_snapshot!(told(|| drop(harness.assert_refused_with("`port`"))), @"the model was to be wrong about ``port``, but it is sound");
    assert_snapshot!(told(|| drop(harness.set("web1", "page", "text", "b").assert_unchanged())), @"
    nothing was to change, but it did:

    web1  Page > Text
      ~ content (+1 -1 lines)
          @@ -1 +1 @@
          -hello
          +b
    web1  Page > Reload
      ~ triggered by Page > Text

    page@web1  converged, 1 changed, 1 triggered
    page@web2  converged
    ");
}

#[test]
fn a_failure_is_told_at_the_line_of_the_test() {
    fn page() -> Harness {
        Harness::new(Registry::new().with::<Page>("page")).host("web1", ["page"])
    }
    fn misspelt() -> Harness {
        page().set("web1", "page", "txet", "hello")
    }
    let mistakes: [(&str, fn()); 8] = [
        ("host", || drop(page().set("web2", "page", "text", "hello"))),
        ("root", || drop(page().set("web1", "paeg", "text", "hello"))),
        ("data", || drop(page().data("web2", "rack", "b4"))),
        ("file", || drop(page().read("web1", "page/none"))),
        ("deploy", || drop(misspelt().deploy())),
        ("plan", || drop(misspelt().plan())),
        ("mends", || misspelt().assert_mends()),
        ("text", || drop(misspelt().model_text())),
    ];
    for (mistake, test) in mistakes {
        assert!(place(test).ends_with("assertions.rs"), "{mistake}");
    }
}
