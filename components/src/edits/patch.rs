//! Unified diffs.

use std::borrow::Cow;
use std::ops::Range;

use diffy::{Hunk, Line, Patch as Diff};
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::content::Content;
use crate::file::{Body, Given, Rendering, Text};
use crate::location::Location;

use super::target::{Edit, Target, target_methods};

/// A unified diff that is applied to a file, once.
///
/// It is what `diff -u` and `git diff` print for one file; the names in it mean nothing. A hunk may have
/// moved within the file (where its lines stand both before and after the change, the place that the
/// diff has counts), but the lines that it shows must be there as they are: there is no fuzz, and
/// no file beside it (`.orig`, `.rej`).
///
/// | of the hunks | what happens |
/// |---|---|
/// | all are applied | nothing |
/// | none is, and all fit | the file is patched |
/// | some are, the others fit | an error that names both: somebody else changed the file |
/// | one neither is nor fits | an error that names it by its line |
///
/// | attribute | default |
/// |---|---|
/// | `absent` | no; else the diff is taken out again, by the same rules; a file that it made is emptied |
/// | `create` | no: a missing file is an error; a diff that makes a file needs it |
/// | `mode`, `owner`, `group` | left as they are; of a new file as for `File` |
/// | `leading_directories` | no; yes for what a sandbox maps |
/// | `sensitive` | no; yes for a diff that is or holds a secret |
///
/// `verify` reads the file. `update` writes it anew in one moment, see the [module](super), and needs no
/// program. It needs the right to write into the directory; a file of another owner needs root.
///
/// **Needs**: nothing; root for a file of another owner.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let diff = "--- a/app.ini\n+++ b/app.ini\n@@ -1,2 +1,2 @@\n [app]\n-debug = yes\n+debug = no\n";
///     scope.add(Patch::new("/srv/app/app.ini", diff));
///     scope.add(Patch::source("/srv/app/views.py", "views.patch"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Patch {
    target: Target,
    name: String,
    given: Vec<Given>,
    body: Option<Body>,
    absent: bool,
}

impl Patch {
    fn of(path: impl Into<Location>, name: impl Into<String>, given: Given) -> Self {
        Self {
            target: Target::new(path),
            name: name.into(),
            given: vec![given],
            body: None,
            absent: false,
        }
    }

    /// A diff as a text.
    pub fn new(path: impl Into<Location>, diff: impl Into<Text>) -> Self {
        Self::of(path, "", Given::Content(diff.into()))
    }

    /// A diff that is an asset, taken as it is.
    pub fn source(path: impl Into<Location>, name: impl Into<String>) -> Self {
        let name = name.into();
        Self::of(path, name.clone(), Given::Source(name))
    }

    /// Takes the diff out again where it was applied.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    target_methods!();

    fn edit(&self, text: &str, diff: &str) -> Result<Edit> {
        let diff = parse(diff)?;
        let back = diff.reverse();
        let (to_do, done) = if self.absent { (&back, &diff) } else { (&diff, &back) };
        let states = || states(text, to_do, done);
        match (applied(text, to_do), applied(text, done)) {
            (None, Some(_)) => Ok(text.to_owned().into()),
            (Some(edited), None) => Ok(edited.into()),
            // A hunk at the end of a file that takes lines away also fits what it leaves.
            (Some(_), Some(_)) if states().iter().all(|state| *state == State::Done) => {
                Ok(text.to_owned().into())
            }
            (Some(edited), Some(_)) if states().iter().all(|state| *state == State::Fits) => {
                Ok(edited.into())
            }
            _ => self.refused(to_do, &states()),
        }
    }

    /// Says which hunks are the matter.
    fn refused(&self, to_do: &Diff<'_, str>, states: &[State]) -> Result<Edit> {
        let word = if self.absent { "taken out" } else { "applied" };
        let with = |wanted: State| -> Vec<_> {
            let hunks = to_do.hunks().iter().zip(states).filter(|(_, state)| **state == wanted);
            hunks.map(|(hunk, _)| format!("`@@ -{}`", hunk.old_range().start())).collect()
        };
        let (already, unfit, all) = (with(State::Done), with(State::Unfit), states.len());
        let (words, at) = match (unfit.len(), already.len()) {
            (0, 0) => ("its hunks fit the file each by itself, but not together".into(), already),
            (0, some) => (format!("only {some} of {all} hunks are {word} already"), already),
            (some, _) => {
                (format!("{some} of {all} hunks neither is {word} nor fits the file"), unfit)
            }
        };
        let at = if at.is_empty() { String::new() } else { format!(": {}", at.join(", ")) };
        Err(fault!(code::PATCH_UNFIT, "{words}{at}")).hint(
            "make the diff anew from the file as it is, or let an earlier component restore what it \
             is made for",
        )
    }

    fn run<T>(
        &self,
        probe: &Probe<'_>,
        run: impl FnOnce(&Target, &dyn Fn(&str) -> Result<Edit>) -> Result<T>,
    ) -> Result<T> {
        let body =
            self.body.as_ref().context("the diff was not configured").code(code::NOT_CONFIGURED)?;
        let content = body.on(probe)?;
        let diff = match &content {
            Content::Rendered(rendered) => rendered.text.clone(),
            Content::Bytes(bytes) => String::from_utf8(bytes.to_vec())?,
            Content::Asset(asset) => String::from_utf8(probe.asset(asset)?)?,
        };
        let sensitive = self.target.sensitive || content.is_sensitive(probe);
        run(&Target { sensitive, ..self.target.clone() }, &|text| self.edit(text, &diff))
    }
}

/// Reads a diff of one file, each of whose hunks can be found again.
fn parse(text: &str) -> Result<Diff<'_, str>> {
    let diff = Diff::from_str(text)
        .map_err(|error| fault!(code::PATCH_FORM, "this is no unified diff: {error}"));
    let diff = diff.hint("give what `diff -u OLD NEW` prints for one file")?;
    demand!(
        !diff.hunks().is_empty(),
        code::PATCH_FORM,
        "the diff has no hunk: no line begins with `@@ -`"
    );
    for hunk in diff.hunks() {
        let (old, new) = (hunk.old_range(), hunk.new_range());
        let makes_file = diff.hunks().len() == 1 && (is_nothing(old) || is_nothing(new));
        if !makes_file && (old.is_empty() || new.is_empty()) {
            return Err(fault!(
                code::PATCH_FORM,
                "hunk `@@ -{}` has no line around it",
                old.start()
            ))
            .hint("make the diff with context, which `diff -u` does by itself");
        }
    }
    Ok(diff)
}

/// What a diff makes of a text; `None` if it does not fit.
fn applied(text: &str, diff: &Diff<'_, str>) -> Option<String> {
    let makes_file = diff.hunks().first().is_some_and(|hunk| is_nothing(hunk.old_range()));
    if makes_file && !text.is_empty() {
        return None;
    }
    diffy::apply(text, diff).ok()
}

/// The side of a file that is not there.
fn is_nothing(range: diffy::HunkRange) -> bool {
    range.start() == 0 && range.is_empty()
}

/// What a hunk is to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fits,
    Done,
    Unfit,
}

fn states(text: &str, to_do: &Diff<'_, str>, done: &Diff<'_, str>) -> Vec<State> {
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let both = to_do.hunks().iter().zip(done.hunks());
    both.map(|(hunk, reverse)| match (Place::find(&lines, hunk), Place::find(&lines, reverse)) {
        (None, None) => State::Unfit,
        (Some(_), None) => State::Fits,
        (None, Some(_)) => State::Done,
        (Some(before), Some(after)) => likelier(&before, &after),
    })
    .collect()
}

/// Where the lines that a hunk begins with stand in a file.
struct Place {
    lines: Range<usize>,
    /// How far from where the diff has them.
    off: usize,
}

impl Place {
    /// The nearest one.
    fn find(lines: &[&str], hunk: &Hunk<'_, str>) -> Option<Self> {
        let before = hunk.lines().iter().filter_map(|line| match line {
            Line::Context(line) | Line::Delete(line) => Some(*line),
            Line::Insert(_) => None,
        });
        let before: Vec<_> = before.collect();
        if before.is_empty() {
            return lines.is_empty().then_some(Self { lines: 0..0, off: 0 });
        }
        let line = hunk.old_range().start().saturating_sub(1);
        let windows = lines.windows(before.len()).enumerate();
        let fitting = windows.filter(|(_, window)| *window == before).map(|(at, _)| at);
        let at = fitting.min_by_key(|at| at.abs_diff(line))?;
        Some(Self { lines: at..at + before.len(), off: at.abs_diff(line) })
    }
}

/// Of a hunk whose lines stand in the file both before and after it is applied: which of both is
/// meant. What stands exactly where it should tells most; of two that overlap the longer one, of
/// which the other is a part; else the nearer one.
fn likelier(before: &Place, after: &Place) -> State {
    let overlap = before.lines.start < after.lines.end && after.lines.start < before.lines.end;
    let is_done = match (before.off, after.off) {
        (0, 1..) => false,
        (1.., 0) => true,
        _ if overlap && before.lines.len() != after.lines.len() => {
            after.lines.len() > before.lines.len()
        }
        (before, after) => after <= before,
    };
    if is_done { State::Done } else { State::Fits }
}

impl Component for Patch {
    fn key(&self) -> Option<Cow<'_, str>> {
        let place = self.target.place.key();
        Some(if self.name.is_empty() { place } else { format!("{place}: {}", self.name).into() })
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.target.resolve("patch", scope)?;
        let rendering = Rendering { off: Some("source"), ..Rendering::default() };
        let rendering = if matches!(self.given[..], [Given::Source(_)]) {
            rendering
        } else {
            Rendering::default()
        };
        let body = Body::find(&self.given, &rendering, &self.name, scope)?;
        if let Body::Text(text) = &body {
            parse(text.as_str()?)?;
            self.target.sensitive |= text.is_secret();
        }
        self.body = Some(body);
        self.given.clear();
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.run(probe, |target, edit| target.verify(probe, edit))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.run(machine, |target, edit| target.update(machine, edit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n\
                        @@ -7,2 +7,3 @@\n g\n+G\n h\n";
    const BEFORE: &str = "a\nb\nc\nd\ne\nf\ng\nh\n";
    const AFTER: &str = "a\nB\nc\nd\ne\nf\ng\nG\nh\n";

    fn edited(patch: &Patch, text: &str, diff: &str) -> String {
        let once = patch.edit(text, diff).unwrap().text;
        assert_eq!(patch.edit(&once, diff).unwrap().text, once, "a second run changes {once:?}");
        once
    }

    fn refused(patch: &Patch, text: &str) -> String {
        format!("{:#}", patch.edit(text, DIFF).unwrap_err())
    }

    #[test]
    fn a_diff_is_applied_once_and_taken_out() {
        let (patch, absent) = (Patch::new("f", DIFF), Patch::new("f", DIFF).absent());
        assert_eq!(edited(&patch, BEFORE, DIFF), AFTER);
        assert_eq!(edited(&patch, AFTER, DIFF), AFTER);
        assert_eq!(edited(&absent, AFTER, DIFF), BEFORE);
        assert_eq!(edited(&absent, BEFORE, DIFF), BEFORE);
        let moved = |text: &str| format!("new\nnew\n{text}");
        assert_eq!(edited(&patch, &moved(BEFORE), DIFF), moved(AFTER));
        assert_eq!(edited(&patch, &moved(AFTER), DIFF), moved(AFTER));
    }

    #[test]
    fn a_line_that_is_added_a_second_time_is_added_once() {
        let diff = "--- a\n+++ b\n@@ -1,2 +1,3 @@\n a\n+a\n b\n";
        assert_eq!(edited(&Patch::new("f", diff), "a\nb\n", diff), "a\na\nb\n");
    }

    #[test]
    fn lines_at_the_ends_of_a_file_are_taken_away_and_put_back() {
        for (diff, before, after) in [
            ("@@ -1,3 +1,2 @@\n a\n b\n-c\n", "a\nb\nc\n", "a\nb\n"),
            ("@@ -1,3 +1,2 @@\n-a\n b\n c\n", "a\nb\nc\n", "b\nc\n"),
            ("@@ -1,3 +1,2 @@\n a\n-a\n b\n", "a\na\nb\n", "a\nb\n"),
        ] {
            let diff = format!("--- a\n+++ b\n{diff}");
            let (patch, absent) = (Patch::new("f", &*diff), Patch::new("f", &*diff).absent());
            for before_it in ["", "new\n"] {
                let with = |text: &str| format!("{before_it}{text}");
                assert_eq!(edited(&patch, &with(before), &diff), with(after), "{diff}");
                assert_eq!(edited(&absent, &with(after), &diff), with(before), "{diff}");
                assert_eq!(edited(&absent, &with(before), &diff), with(before), "{diff}");
            }
        }
    }

    #[test]
    fn another_place_that_looks_as_if_it_were_done_is_not_meant() {
        let diff = "--- a\n+++ b\n@@ -2,2 +2,2 @@\n-x = 1\n+x = 2\n end\n";
        let text = |x: u32| format!("[a]\nx = {x}\nend\n[b]\nx = 2\nend\n[c]\nx = 1\nend\n");
        assert_eq!(edited(&Patch::new("f", diff), &text(1), diff), text(2));
        assert_eq!(edited(&Patch::new("f", diff), &text(2), diff), text(2));
        let moved = |x: u32| format!("new\n{}", text(x));
        assert_eq!(edited(&Patch::new("f", diff), &moved(1), diff), moved(2));
        let diff = "--- a\n+++ b\n@@ -4,2 +4,3 @@\n a\n+a\n b\n";
        assert_eq!(edited(&Patch::new("f", diff), "1\na\na\nb\n", diff), "1\na\na\nb\n");
    }

    #[test]
    fn a_diff_makes_a_file_and_takes_it_away() {
        let diff = "--- /dev/null\n+++ b/f\n@@ -0,0 +1,2 @@\n+a\n+b\n";
        assert_eq!(edited(&Patch::new("f", diff), "", diff), "a\nb\n");
        assert_eq!(edited(&Patch::new("f", diff).absent(), "a\nb\n", diff), "");
    }

    #[test]
    fn the_hunks_that_are_the_matter_are_named() {
        let (patch, absent) = (Patch::new("f", DIFF), Patch::new("f", DIFF).absent());
        let half = "a\nB\nc\nd\ne\nf\ng\nh\n";
        let error = refused(&patch, half);
        assert!(error.contains("only 1 of 2 hunks are applied already: `@@ -1`"), "{error}");
        let error = refused(&absent, half);
        assert!(error.contains("only 1 of 2 hunks are taken out already: `@@ -7`"), "{error}");
        let error = refused(&patch, "a\nb\nc\nother\n");
        let expected = "1 of 2 hunks neither is applied nor fits the file: `@@ -7`";
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_is_no_diff_of_one_file_is_refused() {
        for (text, words) in [
            ("nothing\n", "the diff has no hunk"),
            ("--- a\n+++ b\n@@ -1 +1 @@\n-a\n", "no unified diff"),
            ("--- a\n+++ b\n@@ -1,0 +2 @@\n+a\n", "has no line around it"),
            (
                "--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b\n--- c\n+++ d\n@@ -1 +1 @@\n-a\n+b\n",
                "no unified diff",
            ),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }
}
