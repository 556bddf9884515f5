//! Who provides what: the values that requirements are answered with.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::fault;
use crate::names::{HostName, RootId, RootName};
use crate::problem::code;
use crate::resource::{Provider, Required, Resource, ResourceKey};
use crate::secret::{known, revealing};

/// A question for the values of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Query {
    pub(crate) key: ResourceKey,
    /// Only values that this host provides.
    pub(crate) host: Option<HostName>,
}

impl Query {
    /// ` on host …`, where the question is restricted to one.
    pub(crate) fn place(&self) -> String {
        self.host.as_ref().map(|host| format!(" on host `{host}`")).unwrap_or_default()
    }
}

/// A value that a component provides.
pub(crate) struct Provided {
    pub(crate) key: ResourceKey,
    pub(crate) provider: Arc<Provider>,
    /// The value as JSON: what crosses to other hosts, and what tells whether it changed. Its secrets
    /// are in it as they are, so that it is shown nowhere.
    pub(crate) json: Zeroizing<String>,
    /// Nobody has to require it.
    pub(crate) waived: bool,
    typed: OnceLock<Arc<dyn Any + Send + Sync>>,
}

/// A provided value as it is handed over.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ProvidedWire {
    pub(crate) key: ResourceKey,
    pub(crate) provider: Provider,
    pub(crate) json: Zeroizing<String>,
}

impl fmt::Debug for ProvidedWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} by {:?}", self.key, self.provider)
    }
}

impl Provided {
    pub(crate) fn new<R: Resource>(
        value: R,
        provider: Arc<Provider>,
        waived: bool,
    ) -> serde_json::Result<Self> {
        let json = Zeroizing::new(revealing(|| serde_json::to_string(&value))?);
        let typed: Arc<dyn Any + Send + Sync> = Arc::new(value);
        Ok(Self { key: ResourceKey::of::<R>(), provider, json, waived, typed: typed.into() })
    }

    pub(crate) fn from_wire(wire: ProvidedWire) -> Self {
        let ProvidedWire { key, provider, json } = wire;
        Self { key, provider: Arc::new(provider), json, waived: false, typed: OnceLock::new() }
    }

    pub(crate) fn to_wire(&self) -> ProvidedWire {
        ProvidedWire {
            key: self.key.clone(),
            provider: (*self.provider).clone(),
            json: self.json.clone(),
        }
    }

    pub(crate) fn root(&self) -> &RootId {
        &self.provider.root
    }

    /// The value as the type that its key stands for.
    pub(crate) fn required<R: Resource>(&self) -> anyhow::Result<Required<R>> {
        known::received(&self.json);
        let typed = match self.typed.get() {
            Some(typed) => typed,
            None => {
                let value: R = serde_json::from_str(&self.json)?;
                self.typed.get_or_init(|| Arc::new(value))
            }
        };
        let value = Arc::clone(typed).downcast::<R>();
        let value = value
            .map_err(|_| fault!(code::RESOURCE_NAME, "`{}` is two types of one name", self.key))?;
        Ok(Required { value, provider: Arc::clone(&self.provider) })
    }

    /// Whether another value would look the same to everybody.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.key == other.key
            && self.json == other.json
            && self.waived == other.waived
            && self.provider == other.provider
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} by {:?}", self.key, self.provider)
    }
}

/// All values known at one moment, by key, in the order of host and root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    by_key: BTreeMap<ResourceKey, BTreeMap<RootId, Vec<Arc<Provided>>>>,
}

impl Answers {
    /// Sets what a root provides, in place of what it did before; the keys that changed by that.
    pub(crate) fn replace(
        &mut self,
        root: &RootId,
        before: &[Arc<Provided>],
        now: &[Arc<Provided>],
    ) -> Vec<ResourceKey> {
        let keys = |provided: &[Arc<Provided>]| {
            provided
                .iter()
                .map(|value| value.key.clone())
                .collect::<std::collections::BTreeSet<_>>()
        };
        let mut changed = Vec::new();
        for key in keys(before).union(&keys(now)) {
            let of_key = |values: &[Arc<Provided>]| {
                values.iter().filter(|value| value.key == *key).cloned().collect::<Vec<_>>()
            };
            let (old, new) = (of_key(before), of_key(now));
            if old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| old.same_as(new)) {
                continue;
            }
            let roots = self.by_key.entry(key.clone()).or_default();
            if new.is_empty() {
                roots.remove(root);
            } else {
                roots.insert(root.clone(), new);
            }
            changed.push(key.clone());
        }
        changed
    }

    /// Adds a value that was handed over.
    pub(crate) fn insert(&mut self, provided: Provided) {
        let roots = self.by_key.entry(provided.key.clone()).or_default();
        roots.entry(provided.root().clone()).or_default().push(Arc::new(provided));
    }

    /// The values that answer a question, by host and root, each root's in its own order.
    pub(crate) fn get<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = &'a Arc<Provided>> {
        let host = query.host.as_ref();
        let first = host.map_or(Bound::Unbounded, |host| {
            Bound::Included(RootId::new(host.clone(), RootName::new("")))
        });
        let roots = self.by_key.get(&query.key).into_iter();
        roots
            .flat_map(move |roots| roots.range((first.clone(), Bound::Unbounded)))
            .take_while(move |(root, _)| host.is_none_or(|host| root.host == *host))
            .flat_map(|(_, values)| values)
    }
}
