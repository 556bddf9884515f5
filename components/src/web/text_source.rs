//! Where the text of a configuration comes from.

use togusa_core::prelude::*;
use togusa_core::template;

use crate::content::Content;
use crate::file::{File, Text};

/// A text that is given as a whole.
#[derive(Debug)]
pub(super) enum TextSource {
    Content(Text),
    Source(String),
    Template(String, template::Context),
    Inline(String, template::Context),
}

impl TextSource {
    /// Gives a file its text.
    pub(super) fn for_file(self, file: File) -> File {
        match self {
            Self::Content(text) => file.content(text),
            Self::Source(name) => file.source(name),
            Self::Template(name, context) => file.template(name, context),
            Self::Inline(text, context) => file.inline_template(text, context),
        }
    }
}

/// What a file is to hold.
pub(super) fn bytes(content: &Content<'_>, probe: &Probe<'_>) -> Result<Vec<u8>> {
    match content {
        Content::Asset(asset) => probe.asset(asset),
        Content::Bytes(bytes) => Ok(bytes.to_vec()),
        Content::Rendered(rendered) => Ok(rendered.text.clone().into_bytes()),
    }
}
