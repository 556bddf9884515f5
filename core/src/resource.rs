//! Resources: typed values that one root provides and others require.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

use crate::names::{Breadcrumb, HostName, RootId};

/// A value that a component provides to others. Its type is its key.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use togusa_core::prelude::*;
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Database {
///     address: Address,
/// }
/// impl Resource for Database {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    note = "write `impl Resource for {Self} {{}}`; it needs Clone, Debug, Serialize and Deserialize"
)]
pub trait Resource:
    Clone + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

/// The key of a resource: the full path of its type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceKey(String);

impl ResourceKey {
    /// The key of a resource type.
    pub fn of<R: Resource>() -> Self {
        Self(std::any::type_name::<R>().to_owned())
    }

    /// The type's own name, without the modules that it lies in.
    pub fn short(&self) -> &str {
        short_type_name(&self.0)
    }
}

impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

impl fmt::Debug for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Cuts `a::b::Type<c::D>` down to `Type<c::D>`.
pub(crate) fn short_type_name(full: &str) -> &str {
    let end = full.find('<').unwrap_or(full.len());
    let start = full[..end].rfind("::").map_or(0, |at| at + 2);
    &full[start..]
}

/// The component that provided a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Provider {
    /// The root and its host.
    pub root: RootId,
    /// The component below that root.
    pub breadcrumb: Breadcrumb,
}

/// A required value: it reads like the value and knows who provided it.
#[derive(Clone)]
pub struct Required<R> {
    pub(crate) value: Arc<R>,
    pub(crate) provider: Arc<Provider>,
}

impl<R> Required<R> {
    /// The host of the root that provided the value.
    pub fn host(&self) -> &HostName {
        &self.provider.root.host
    }

    /// The component that provided the value.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }
}

impl<R> Deref for Required<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.value
    }
}

impl<R: fmt::Debug> fmt::Debug for Required<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.value, self.provider.root)
    }
}

impl<R: Serialize> Serialize for Required<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_are_cut_down_to_the_type() {
        assert_eq!(short_type_name("a::b::Type"), "Type");
        assert_eq!(short_type_name("a::Type<c::D>"), "Type<c::D>");
        assert_eq!(short_type_name("Type"), "Type");
    }
}
