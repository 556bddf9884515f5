//! What a test expects of deployments.

use std::collections::BTreeSet;

use crate::event::Event;
use crate::names::{Breadcrumb, RootId};

use super::call::fit;
use super::text;
use super::{Harness, Run};

impl Harness {
    /// Converges twice: the first run must succeed, the second must change nothing.
    ///
    /// # Panics
    /// It is not so; what was changed or failed is shown.
    #[track_caller]
    pub fn assert_converges(&self) -> Run {
        let first = self.deploy();
        first.assert_success();
        let second = self.deploy();
        second.assert_success();
        assert!(second.changes().is_empty(), "the second run changed something:\n\n{second}");
        first
    }

    /// Deploys, which must succeed and change nothing.
    ///
    /// # Panics
    /// Something was changed or failed.
    #[track_caller]
    pub fn assert_unchanged(&self) -> Run {
        let run = self.deploy();
        run.assert_unchanged();
        run
    }

    /// Deploys, which must fail, and say a text about it.
    ///
    /// # Panics
    /// It succeeded, or failed of something else; or the model is wrong already.
    #[track_caller]
    pub fn assert_fails_with(&self, text: &str) -> Run {
        let run = self.deploy();
        run.assert_failed_with(text);
        run
    }

    /// Configures the model, which must be wrong, and say a text about it. Gives all that is wrong.
    ///
    /// # Panics
    /// The model is sound, or something else is wrong with it.
    #[track_caller]
    pub fn assert_refused_with(&self, text: &str) -> String {
        let Err(problems) = self.configure() else {
            panic!("the model was to be wrong about `{text}`, but it is sound");
        };
        let told = self.masks().mask(&problems.to_string());
        assert!(told.contains(text), "the model was to be wrong about `{text}`, but:\n\n{told}");
        told
    }

    /// Plans, then deploys: both must succeed, and the deployment must do what was planned. What was
    /// unknown until then may be changed or not, and components that it triggers too.
    ///
    /// # Panics
    /// It is not so; what differs is shown.
    #[track_caller]
    pub fn assert_plan_matches_deploy(&self) -> Run {
        let plan = self.plan();
        plan.assert_success();
        let run = self.deploy();
        run.assert_success();
        let unknown: BTreeSet<_> = plan.events.iter().filter_map(unknown).collect();
        let changes = |run: &Run| {
            let known = run.events.iter().filter(|event| {
                changed(event).is_some_and(|it| !unknown.contains(&it))
                    && !is_moved_by(event, &unknown)
            });
            let texts = known.filter_map(text::change);
            texts.map(|text| run.masks.mask(&text)).collect::<BTreeSet<_>>()
        };
        let (planned, done) = (changes(&plan), changes(&run));
        let list = |these: &BTreeSet<String>, others: &BTreeSet<String>| {
            let rest: Vec<_> = these.difference(others).map(String::as_str).collect();
            if rest.is_empty() { "nothing".to_owned() } else { rest.join("\n") }
        };
        assert!(
            planned == done,
            "the deployment did not do what was planned\n\nplanned and not done:\n{}\n\ndone and not \
             planned:\n{}",
            list(&planned, &done),
            list(&done, &planned)
        );
        run
    }

    /// A fake must have been called with exactly these arguments, of which `*` is any one.
    ///
    /// # Panics
    /// It was not; how it was called is shown.
    #[track_caller]
    pub fn assert_called<'a>(&self, program: &str, arguments: impl IntoIterator<Item = &'a str>) {
        let wanted: Vec<_> = arguments.into_iter().collect();
        let called = self.called(program, &wanted);
        assert!(
            called.is_some(),
            "`{}` was not called; {}",
            line(program, &wanted),
            self.told_calls(program)
        );
    }

    /// A fake must not have been called with exactly these arguments, of which `*` is any one.
    ///
    /// # Panics
    /// It was, or there is no such fake, of which no call would be seen.
    #[track_caller]
    pub fn assert_not_called<'a>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) {
        let wanted: Vec<_> = arguments.into_iter().collect();
        assert!(self.stage.has_fake(program), "{}", no_fake(program));
        if let Some(call) = self.called(program, &wanted) {
            panic!("`{}` was called:\n{call}", line(program, &wanted));
        }
    }

    fn called(&self, program: &str, wanted: &[&str]) -> Option<super::Call> {
        self.calls(program).into_iter().find(|call| fit(&call.arguments, wanted))
    }

    fn told_calls(&self, program: &str) -> String {
        if !self.stage.has_fake(program) {
            return no_fake(program);
        }
        let calls = self.calls(program);
        match calls.is_empty() {
            true => "it was never called".to_owned(),
            false => format!("it was called so:\n{calls}"),
        }
    }
}

fn no_fake(program: &str) -> String {
    format!("there is no fake of `{program}`: `harness.fake(\"{program}\")` makes one")
}

fn line(program: &str, arguments: &[&str]) -> String {
    std::iter::once(program).chain(arguments.iter().copied()).collect::<Vec<_>>().join(" ")
}

fn unknown(event: &Event) -> Option<(&RootId, &Breadcrumb)> {
    match event {
        Event::ComponentUnknown { root, breadcrumb, .. } => Some((root, breadcrumb)),
        _ => None,
    }
}

fn changed(event: &Event) -> Option<(&RootId, &Breadcrumb)> {
    match event {
        Event::ComponentChanged { root, breadcrumb, .. } => Some((root, breadcrumb)),
        _ => None,
    }
}

/// Whether a component is only triggered, by something that was unknown.
fn is_moved_by(event: &Event, unknown: &BTreeSet<(&RootId, &Breadcrumb)>) -> bool {
    match event {
        Event::ComponentChanged { changes, triggered_by, .. } if changes.is_empty() => {
            let causes: BTreeSet<_> = unknown.iter().map(|(_, it)| it.to_string()).collect();
            !triggered_by.is_empty() && triggered_by.iter().all(|cause| causes.contains(cause))
        }
        _ => false,
    }
}
