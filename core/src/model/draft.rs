//! The tree of one root while it is configured and after.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexSet;

use crate::address::ListenAddress;
use crate::assets::{Asset, TreeEntry};
use crate::attributes::SourceLocation;
use crate::component::Component;
use crate::digest::{Digest, Digester};
use crate::names::Breadcrumb;
use crate::problem::{Code, Problem, code};
use crate::resource::Provider;
use crate::secret::{Key, KnownSecrets, digesting};
use crate::template::Template;

use super::answers::{Provided, Query};

/// The place of a component in the list of its root's components, in pre-order.
pub(crate) type NodeId = usize;

/// All components of one root, and what they said while they were configured.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The components in pre-order; the first is the root's own.
    pub(crate) nodes: Vec<Node>,
    /// What triggers what.
    pub(crate) triggers: IndexSet<Trigger>,
    /// What was provided, in order.
    pub(crate) provided: Vec<Arc<Provided>>,
    /// What was required, in order.
    pub(crate) required: Vec<Requirement>,
    /// What the components can take out of use: node and provider.
    pub(crate) drains: Vec<(NodeId, Provider)>,
    /// The messages of `configure`.
    pub(crate) logs: Vec<(NodeId, String)>,
    /// The components that could not be configured.
    pub(crate) failures: Vec<Failure>,
    /// Failures that follow from those of a sub-component.
    pub(crate) follow_ups: usize,
    /// The templates to try out once the model has settled.
    pub(crate) templates: Vec<(NodeId, Template)>,
    /// The names to resolve once the model has settled.
    pub(crate) listens: Vec<(NodeId, ListenAddress)>,
    /// Every asset that the root needs on its host, by its full name.
    pub(crate) assets: BTreeMap<String, Asset>,
    /// Every directory of assets that the root needs on its host, by its full name.
    pub(crate) trees: BTreeMap<String, Vec<TreeEntry>>,
    /// What the components manage on the host: node, kind, path or name.
    pub(crate) managed: Vec<(NodeId, String, String)>,
    /// The secrets that the root has.
    pub(crate) secrets: Arc<KnownSecrets>,
}

/// One component in the tree.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) parent: Option<NodeId>,
    pub(crate) children: Vec<NodeId>,
    pub(crate) breadcrumb: Breadcrumb,
    /// `None` while it is configured.
    pub(crate) component: Option<Arc<dyn Component>>,
    pub(crate) source: Option<SourceLocation>,
    pub(crate) failed: bool,
}

/// A change that makes a component's update due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Trigger {
    pub(crate) cause: Cause,
    pub(crate) dependant: NodeId,
}

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cause {
    /// A component of the same root, or anything below it.
    Node(NodeId),
    /// A component of another root, or anything below it.
    Provider(Arc<Provider>),
}

/// That a component asked for a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    pub(crate) node: NodeId,
    pub(crate) query: Query,
    pub(crate) order: Order,
    /// Nobody has to provide it.
    pub(crate) optional: bool,
}

/// What a requirement says about the order of the two roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The provider comes first.
    ProviderFirst,
    /// The one that requires comes first.
    Reversed,
    /// Any.
    Unordered,
}

/// A component that could not be configured.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) problem: Problem,
    /// The requirement that nobody has met so far, if that was the reason.
    pub(crate) unmet: Option<Unmet>,
}

/// A requirement that nobody met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("required resource `{}` is not provided{}", query.key, query.place())]
pub(crate) struct Unmet {
    pub(crate) query: Query,
}

impl Unmet {
    /// What kind of problem it is.
    pub(crate) fn code(&self) -> Code {
        code::NOT_PROVIDED
    }
}

impl Draft {
    /// The component of a node; it is there once the root was configured.
    pub(crate) fn component(&self, node: NodeId) -> Option<&Arc<dyn Component>> {
        self.nodes[node].component.as_ref()
    }

    pub(crate) fn breadcrumb(&self, node: NodeId) -> &Breadcrumb {
        &self.nodes[node].breadcrumb
    }

    /// Whether a node is another one or lies below it.
    pub(crate) fn is_within(&self, node: NodeId, above: NodeId) -> bool {
        std::iter::successors(Some(node), |node| self.nodes[*node].parent).any(|node| node == above)
    }

    /// All nodes by their breadcrumb; of several with the same, the first.
    pub(crate) fn by_breadcrumb(&self) -> BTreeMap<&Breadcrumb, NodeId> {
        let nodes = self.nodes.iter().enumerate().rev();
        nodes.map(|(id, node)| (&node.breadcrumb, id)).collect()
    }

    /// The node with the given breadcrumb.
    pub(crate) fn find(&self, breadcrumb: &Breadcrumb) -> Option<NodeId> {
        self.nodes.iter().position(|node| node.breadcrumb == *breadcrumb)
    }

    /// Siblings with one and the same breadcrumb.
    pub(crate) fn collisions(&self) -> Vec<&Breadcrumb> {
        let mut seen = BTreeMap::<_, usize>::new();
        for node in &self.nodes {
            *seen.entry(&node.breadcrumb).or_default() += 1;
        }
        seen.into_iter().filter(|(_, count)| *count > 1).map(|(breadcrumb, _)| breadcrumb).collect()
    }

    /// The digest of each component with all that lies below it, in pre-order. Those of a root that
    /// has secrets say nothing to who lacks the key.
    pub(crate) fn digests(&self, key: &Key) -> Vec<Digest> {
        if !self.has_secrets() {
            return self.digests_by(Digester::default);
        }
        digesting(key, || self.digests_by(|| Digester::keyed(key)))
    }

    /// The digest of the root as it looks with its secrets masked, for everybody to see.
    pub(crate) fn public_digest(&self, digests: &[Digest]) -> Option<Digest> {
        if !self.has_secrets() {
            return digests.first().copied();
        }
        self.digests_by(|| Digester::masking(&self.secrets)).first().copied()
    }

    /// Whether the root has any secrets. Agents have no content of secret files at that time.
    fn has_secrets(&self) -> bool {
        !self.secrets.is_empty() || self.assets.values().any(|asset| asset.sensitive)
    }

    fn digests_by<'a>(&'a self, digester: impl Fn() -> Digester<'a>) -> Vec<Digest> {
        let mut digests = vec![None; self.nodes.len()];
        let mut causes = BTreeMap::<NodeId, Vec<&Cause>>::new();
        for trigger in &self.triggers {
            causes.entry(trigger.dependant).or_default().push(&trigger.cause);
        }
        // Children stand behind their parents, so that the reverse order has them first.
        for id in (0..self.nodes.len()).rev() {
            let node = &self.nodes[id];
            let mut digester = digester();
            digester.text(node.breadcrumb.as_str());
            if let Some(component) = &node.component {
                digester.debug(component);
            }
            for cause in causes.get(&id).into_iter().flatten() {
                match cause {
                    Cause::Node(cause) => digester.text(self.breadcrumb(*cause).as_str()),
                    Cause::Provider(provider) => digester.debug(provider),
                }
            }
            for child in node.children.iter().filter_map(|child| digests[*child].as_ref()) {
                digester.digest(child);
            }
            digests[id] = Some(digester.finish());
        }
        digests.into_iter().flatten().collect()
    }
}

/// The first component that is not what another process found: the deepest, as every one above
/// differs with it.
pub(crate) fn first_difference(
    known: &[(Breadcrumb, Digest)],
    draft: &Draft,
    digests: &[Digest],
) -> Option<Breadcrumb> {
    let known: BTreeMap<_, _> =
        known.iter().map(|(breadcrumb, digest)| (breadcrumb, digest)).collect();
    let differs = |node: NodeId| known.get(draft.breadcrumb(node)) != Some(&&digests[node]);
    let innermost = |node: &NodeId| {
        differs(*node) && !draft.nodes[*node].children.iter().any(|child| differs(*child))
    };
    let node = (0..draft.nodes.len()).find(innermost);
    let missing = || {
        let here = draft.by_breadcrumb();
        known.keys().find(|breadcrumb| !here.contains_key(*breadcrumb))
    };
    node.map(|node| draft.breadcrumb(node)).or_else(|| missing().copied()).cloned()
}
