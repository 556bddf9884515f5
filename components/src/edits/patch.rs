//! Unified diffs.

use std::borrow::Cow;

use diffy::{Hunk, Line, Patch as Diff};
use togusa_core::prelude::*;

use crate::content::Content;
use crate::file::{Body, Given, Rendering, Text};
use crate::location::Location;

use super::target::{Edit, Target, target_methods};

/// A unified diff that is applied to a file, once.
///
/// It is what `diff -u` and `git diff` print for one file; the names in it mean nothing. A hunk may have
/// moved within the file, but the lines that it shows must be there as they are: there is no fuzz, and
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
        // What is done comes first: to take a diff out that was applied must never look like a file
        // that it could be applied to again.
        if applied(text, done).is_some() {
            return Ok(text.to_owned().into());
        }
        applied(text, to_do).map(Edit::from).ok_or_else(|| self.refusal(text, to_do, done))
    }

    /// Says which hunks are the matter.
    fn refusal(&self, text: &str, to_do: &Diff<'_, str>, done: &Diff<'_, str>) -> anyhow::Error {
        let word = if self.absent { "taken out" } else { "applied" };
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        let (mut already, mut unfit) = (Vec::new(), Vec::new());
        for (hunk, reverse) in to_do.hunks().iter().zip(done.hunks()) {
            let line = hunk.old_range().start();
            match (stands(&lines, reverse), stands(&lines, hunk)) {
                (true, _) => already.push(line),
                (false, false) => unfit.push(line),
                (false, true) => {}
            }
        }
        let at = |lines: &[usize]| {
            let shown: Vec<_> = lines.iter().map(|line| format!("`@@ -{line}`")).collect();
            shown.join(", ")
        };
        let all = to_do.hunks().len();
        let error = if !unfit.is_empty() {
            anyhow!(
                "{} of {all} hunks neither is {word} nor fits the file: {}",
                unfit.len(),
                at(&unfit)
            )
        } else if !already.is_empty() {
            anyhow!("only {} of {all} hunks are {word} already: {}", already.len(), at(&already))
        } else {
            anyhow!("its hunks fit the file each by itself, but not together")
        };
        let hinted: Result<()> = Err(error).hint(
            "make the diff anew from the file as it is, or let an earlier component restore what it \
             is made for",
        );
        hinted.err().unwrap_or_else(|| anyhow!("the diff does not fit"))
    }

    fn run<T>(
        &self,
        probe: &Probe<'_>,
        run: impl FnOnce(&Target, &dyn Fn(&str) -> Result<Edit>) -> Result<T>,
    ) -> Result<T> {
        let body = self.body.as_ref().context("the diff was not configured")?;
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
    let diff = Diff::from_str(text).map_err(|error| anyhow!("this is no unified diff: {error}"));
    let diff = diff.hint("give what `diff -u OLD NEW` prints for one file")?;
    ensure!(!diff.hunks().is_empty(), "the diff has no hunk: no line begins with `@@ -`");
    for hunk in diff.hunks() {
        let (old, new) = (hunk.old_range(), hunk.new_range());
        let makes_file = diff.hunks().len() == 1 && (is_nothing(old) || is_nothing(new));
        if !makes_file && (old.is_empty() || new.is_empty()) {
            return Err(anyhow!("hunk `@@ -{}` has no line around it", old.start()))
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

/// Whether what a hunk begins with stands in the file.
fn stands(lines: &[&str], hunk: &Hunk<'_, str>) -> bool {
    let before: Vec<_> = hunk
        .lines()
        .iter()
        .filter_map(|line| match line {
            Line::Context(line) | Line::Delete(line) => Some(*line),
            Line::Insert(_) => None,
        })
        .collect();
    before.is_empty() && lines.is_empty()
        || !before.is_empty() && lines.windows(before.len()).any(|window| window == before)
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
