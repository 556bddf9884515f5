//! Blocks of lines between markers.

use std::borrow::Cow;

use togusa_core::prelude::*;
use togusa_core::preview::Preview;
use togusa_core::problem::code;
use togusa_core::template;
use togusa_core::{demand, fail, fault};

use crate::content::Content;
use crate::file::{Body, Given, Rendering, Text};
use crate::location::Location;

use super::lines::{Lines, Pattern, Position, position_methods};
use super::target::{Edit, Target, target_methods};

/// Lines of a file between two markers, which tell them from what else stands there.
///
/// ```text
/// # BEGIN proxy
/// …
/// # END proxy
/// ```
///
/// | attribute | default |
/// |---|---|
/// | `comment`, `comment_around` | `# ` before a marker, nothing behind it |
/// | `after`, `before`, `at_start` | a new block goes to the end of the file; one that is there stays where it is |
/// | `create` | no: a missing file is an error |
/// | `mode`, `owner`, `group` | left as they are; of a new file as for `File` |
/// | `leading_directories` | no; yes for what a sandbox maps |
/// | `sensitive` | no; yes for a content that is or holds a secret, or was rendered from one |
///
/// `verify` reads the file. `update` writes it anew in one moment, see the [module](super); a marker
/// that lost its other half is an error, so that nothing is lost. It needs the right to write into the
/// directory; a file of another owner needs root.
///
/// **Needs**: nothing; root for a file of another owner.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Block::new("/etc/hosts", "cluster", "10.0.0.11 web1\n10.0.0.12 web2\n"));
///     scope.add(Block::absent("/etc/hosts", "old cluster"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Block {
    target: Target,
    name: String,
    given: Vec<Given>,
    body: Option<Body>,
    comment: (String, String),
    position: Position,
    absent: bool,
}

impl Block {
    fn of(path: impl Into<Location>, name: impl Into<String>, given: Option<Given>) -> Self {
        Self {
            target: Target::new(path),
            name: name.into(),
            absent: given.is_none(),
            given: given.into_iter().collect(),
            body: None,
            comment: ("# ".into(), String::new()),
            position: Position::default(),
        }
    }

    /// A block of a file, by the name in its markers.
    pub fn new(
        path: impl Into<Location>,
        name: impl Into<String>,
        content: impl Into<Text>,
    ) -> Self {
        Self::of(path, name, Some(Given::Content(content.into())))
    }

    /// A block that is rendered from an asset.
    pub fn template(
        path: impl Into<Location>,
        name: impl Into<String>,
        template: impl Into<String>,
        context: template::Context,
    ) -> Self {
        Self::of(path, name, Some(Given::Template(template.into(), context)))
    }

    /// No block with this name, nor its markers.
    pub fn absent(path: impl Into<Location>, name: impl Into<String>) -> Self {
        Self::of(path, name, None)
    }

    /// Sets what begins a comment: `//` or `;`.
    #[must_use]
    pub fn comment(self, start: impl Into<String>) -> Self {
        self.comment_around(format!("{} ", start.into().trim_end()), "")
    }

    /// Sets what stands around a comment: `<!-- ` and ` -->`.
    #[must_use]
    pub fn comment_around(mut self, start: impl Into<String>, end: impl Into<String>) -> Self {
        self.comment = (start.into(), end.into());
        self
    }

    position_methods!();
    target_methods!();

    fn marker(&self, which: &str) -> String {
        let (start, end) = &self.comment;
        format!("{start}{which} {}{end}", self.name)
    }

    /// The numbers of the two markers.
    fn find(&self, lines: &Lines<'_>) -> Result<Option<(usize, usize)>> {
        let numbers = |marker: &str| -> Vec<usize> {
            let found = lines.iter().filter(|(_, line)| line.trim() == marker.trim());
            found.map(|(number, _)| number).collect()
        };
        let (begin, end) = (self.marker("BEGIN"), self.marker("END"));
        let broken = match (&numbers(&begin)[..], &numbers(&end)[..]) {
            ([], []) => return Ok(None),
            (&[begin], &[end]) if begin < end => return Ok(Some((begin, end))),
            ([line, ..], []) => format!("line {}: `{begin}` has no `{end}`", line + 1),
            ([], [line, ..]) => format!("line {}: `{end}` has no `{begin}`", line + 1),
            ([_, again, ..], _) => format!("line {}: a second `{begin}`", again + 1),
            (_, [_, again, ..]) => format!("line {}: a second `{end}`", again + 1),
            (_, [line]) => format!("line {}: `{end}` stands before `{begin}`", line + 1),
        };
        Err(fault!(code::EDIT_MARKERS, "{broken}"))
            .hint("remove the markers, and what stood between them, by hand")
    }

    fn edit(&self, text: &str, content: &str) -> Result<Edit> {
        let mut lines = Lines::new(text);
        let found = self.find(&lines)?;
        if self.absent {
            if let Some((begin, end)) = found {
                lines.splice(begin..end + 1, &[]);
            }
            return Ok(lines.into_text().into());
        }
        let (begin, end) = (self.marker("BEGIN"), self.marker("END"));
        let mut new = vec![begin.as_str()];
        new.extend(content.lines());
        new.push(&end);
        let is_marker = |line: &str| [&*begin, &*end].map(str::trim).contains(&line.trim());
        if let Some(inside) = new[1..new.len() - 1].iter().find(|line| is_marker(line)) {
            fail!(code::EDIT_MARKERS, "the content holds the marker `{inside}`");
        }
        match found {
            Some((begin, end)) if same(&lines, begin, &new, end) => {}
            Some((begin, end)) => lines.splice(begin..end + 1, &new),
            None => {
                let at = self.position.find(&lines)?;
                lines.splice(at..at, &new);
            }
        }
        Ok(lines.into_text().into())
    }

    fn run<T>(
        &self,
        probe: &Probe<'_>,
        run: impl FnOnce(&Target, &dyn Fn(&str) -> Result<Edit>) -> Result<T>,
    ) -> Result<T> {
        let wanted = self.body.as_ref().map(|body| body.on(probe)).transpose()?;
        let content = match &wanted {
            None => String::new(),
            Some(Content::Rendered(rendered)) => rendered.text.clone(),
            Some(Content::Bytes(bytes)) => String::from_utf8(bytes.to_vec())?,
            Some(Content::Asset(asset)) => String::from_utf8(probe.asset(asset)?)?,
        };
        let sensitive = wanted.is_some_and(|wanted| wanted.is_sensitive(probe));
        let target =
            Target { sensitive: self.target.sensitive || sensitive, ..self.target.clone() };
        run(&target, &|text| self.edit(text, &content))
    }
}

/// Whether the lines between two markers are as they shall be.
fn same(lines: &Lines<'_>, begin: usize, new: &[&str], end: usize) -> bool {
    let present = lines.iter().skip(begin + 1).take(end - begin - 1).map(|(_, line)| line);
    present.eq(new[1..new.len() - 1].iter().copied())
}

impl Component for Block {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(format!("{}: {}", self.target.place.key(), self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.target.resolve("block", scope)?;
        self.position.check()?;
        let plain = !self.name.trim().is_empty() && !self.name.contains(['\n', '\r']);
        demand!(plain, code::NOT_A_NAME, "the name of a block is a text on one line");
        if !self.absent {
            let body = Body::find(&self.given, &Rendering::default(), &self.name, scope)?;
            self.target.sensitive |= matches!(&body, Body::Text(text) if text.is_secret());
            self.body = Some(body);
        }
        self.given.clear();
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.run(probe, |target, edit| target.verify(probe, edit))
    }

    fn preview(&self) -> Option<Preview<'_>> {
        if self.target.sensitive {
            return Some(Preview::Hidden);
        }
        self.body.as_ref().map(Body::preview)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.run(machine, |target, edit| target.update(machine, edit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Block {
        Block::new("f", "b", "")
    }

    fn edited(block: &Block, text: &str, content: &str) -> String {
        let once = block.edit(text, content).unwrap().text;
        assert_eq!(block.edit(&once, content).unwrap().text, once, "a second run changes {once:?}");
        once
    }

    #[test]
    fn a_block_is_added_and_kept_where_it_is() {
        let begun = "# BEGIN b\nx\ny\n# END b\n";
        assert_eq!(edited(&block(), "", "x\ny"), begun);
        assert_eq!(edited(&block(), "a", "x\ny\n"), format!("a\n{begun}"));
        assert_eq!(edited(&block().at_start(), "a\n", "x\ny\n"), format!("{begun}a\n"));
        assert_eq!(edited(&block().after("^a"), "a\nb\n", "x\ny\n"), format!("a\n{begun}b\n"));
        assert_eq!(edited(&block(), &format!("{begun}a\n"), "z"), "# BEGIN b\nz\n# END b\na\n");
        assert_eq!(edited(&block(), "a\r\n", "x"), "a\r\n# BEGIN b\r\nx\r\n# END b\r\n");
        assert_eq!(edited(&block(), begun, ""), "# BEGIN b\n# END b\n");
        let html = block().comment_around("<!-- ", " -->");
        assert_eq!(edited(&html, "", "<p>"), "<!-- BEGIN b -->\n<p>\n<!-- END b -->\n");
        assert_eq!(edited(&block().comment(";"), "", "x"), "; BEGIN b\nx\n; END b\n");
    }

    #[test]
    fn an_absent_block_goes_with_its_markers() {
        let absent = Block::absent("f", "b");
        assert_eq!(edited(&absent, "a\n# BEGIN b\nx\n# END b\nc\n", ""), "a\nc\n");
        assert_eq!(edited(&absent, "a\n# BEGIN bb\n", ""), "a\n# BEGIN bb\n");
    }

    #[test]
    fn broken_markers_are_named_with_their_line() {
        for (text, expected) in [
            ("a\n# BEGIN b\n", "line 2: `# BEGIN b` has no `# END b`"),
            ("# END b\n", "line 1: `# END b` has no `# BEGIN b`"),
            ("# END b\n# BEGIN b\n", "line 1: `# END b` stands before `# BEGIN b`"),
            ("# BEGIN b\n# BEGIN b\n# END b\n", "line 2: a second `# BEGIN b`"),
            ("# BEGIN b\n# END b\n# END b\n", "line 3: a second `# END b`"),
        ] {
            let error = block().edit(text, "x").unwrap_err();
            assert_eq!(error.chain().nth(1).unwrap().to_string(), expected, "{error:?}");
        }
        for inside in ["# END b", "x\n  # BEGIN b "] {
            assert!(block().edit("", inside).is_err(), "{inside:?}");
        }
    }
}
