//! Parts of a page that are written by code, between two comments in what is written by hand.

use anyhow::Context as _;

use super::Generated;
use crate::root;

/// A page with such parts.
pub(super) struct Text {
    path: String,
    text: String,
}

impl Text {
    /// Reads the page.
    pub(super) fn read(path: &str) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(root().join(path))
            .with_context(|| format!("cannot read `{path}`"))?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// Replaces what stands between `<!-- generated: NAME -->` and `<!-- end -->`.
    pub(super) fn fill(&mut self, name: &str, with: &str) -> anyhow::Result<()> {
        let begin = format!("<!-- generated: {name} -->\n");
        let at = |what: &str| format!("`{}` has no `{}`", self.path, what.trim());
        let (before, rest) = self.text.split_once(&begin).with_context(|| at(&begin))?;
        let (_, after) = rest.split_once("<!-- end -->").with_context(|| at("<!-- end -->"))?;
        self.text = format!("{before}{begin}{with}<!-- end -->{after}");
        Ok(())
    }
}

impl From<Text> for Generated {
    fn from(text: Text) -> Self {
        Self::new(text.path, text.text)
    }
}
