use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use togusa_core::names::{Breadcrumb, HostName};

/// What was shown of components, so that the same on further hosts need not be.
#[derive(Debug, Default)]
pub(super) struct Repeated(HashMap<u64, HostName>);

impl Repeated {
    /// The other host on which a component was shown in these words before; else it is from now on.
    pub(super) fn before(
        &mut self,
        host: &HostName,
        breadcrumb: &Breadcrumb,
        words: &str,
    ) -> Option<&HostName> {
        let mut hasher = DefaultHasher::new();
        (breadcrumb, words).hash(&mut hasher);
        let first = self.0.entry(hasher.finish()).or_insert_with(|| host.clone());
        (first != host).then_some(first)
    }
}
