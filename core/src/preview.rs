//! What a component will write, as far as that is known before its host is asked.

use crate::assets::Asset;
use crate::template::Template;

/// The content that a component has for the file that it manages.
///
/// It is there for people to look at: [`Model::preview`](crate::model::Model::preview) renders it on
/// the coordinator, and masks every secret in it.
#[derive(Clone, Copy, Debug)]
pub enum Preview<'a> {
    /// These bytes, as they are.
    Bytes(&'a [u8]),
    /// What the template gives on the host.
    Template(&'a Template),
    /// A file beside the component's source, as it is.
    Asset(&'a Asset),
    /// Something that must not be seen.
    Hidden,
}
