//! The model: all configured trees, what they provide and require, and the order of the roots.

pub(crate) mod answers;
mod configure;
pub(crate) mod draft;
mod faults;
mod graph;
mod look;
mod once;
mod preview;
pub(crate) mod settle;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::assets::secret_file_name;
use crate::digest::{Digest, Digester};
use crate::environment::{Environment, Host};
use crate::names::{Breadcrumb, RootId};
use crate::secret::{Key, KnownSecrets, take_out};

use answers::Answers;
use draft::Draft;
use once::Once;

pub use configure::{configure, configure_twice};
pub use draft::Order;
pub use graph::{Edge, Graph};
pub use look::{Cause, ComponentLook, Managed, Provision, Requirement, RootLook};
pub use preview::{PreviewContent, Previewed};

/// The whole model of an environment: sound, settled and ordered.
pub struct Model {
    pub(crate) environment: Environment,
    pub(crate) roots: BTreeMap<RootId, ModelRoot>,
    pub(crate) answers: Answers,
    pub(crate) graph: Graph,
    once: Once,
    /// The secrets of all roots.
    pub(crate) secrets: Arc<KnownSecrets>,
    /// The key of the components' digests.
    pub(crate) key: Key,
    digest: Digest,
}

/// One configured root.
#[derive(Debug)]
pub(crate) struct ModelRoot {
    pub(crate) draft: Draft,
    /// The digest of each component, in the order of the draft's nodes.
    pub(crate) digests: Vec<Digest>,
    /// The digest of the root with its secrets masked.
    pub(crate) public: Option<Digest>,
    pub(crate) ignored: bool,
}

impl Model {
    /// The environment that was configured.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The host of the given name.
    pub(crate) fn host(&self, root: &RootId) -> &Host {
        &self.environment.hosts[&root.host]
    }

    /// All roots, by host and name.
    pub fn roots(&self) -> impl Iterator<Item = &RootId> {
        self.roots.keys()
    }

    /// The components of a root in pre-order; none if there is no such root.
    pub fn components(&self, root: &RootId) -> impl Iterator<Item = &Breadcrumb> {
        let nodes = self.roots.get(root).map(|root| root.draft.nodes.iter());
        nodes.into_iter().flatten().map(|node| &node.breadcrumb)
    }

    /// Whether a root, or its host, is left out of every run.
    pub fn is_ignored(&self, root: &RootId) -> bool {
        self.roots.get(root).is_some_and(|root| root.ignored)
    }

    /// The root that does it for all, where a root is left out because its component converges on one
    /// host only. Whoever waits for the root waits for that one as well.
    pub fn done_once(&self, root: &RootId) -> Option<&RootId> {
        self.once.done_by(root).filter(|_| !self.is_ignored(root))
    }

    /// The order of the roots.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Whether a component of any root asks for a secret file of the environment.
    pub fn uses_secret_file(&self, name: &str) -> bool {
        let name = secret_file_name(name);
        self.roots.values().any(|root| root.draft.assets.contains_key(&name))
    }

    /// The digest of the model: the same for the same inputs in every process, on every machine,
    /// whatever the secrets are.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The messages of `configure`, those of providers before those of who requires from them.
    pub fn logs(&self) -> impl Iterator<Item = (&RootId, &Breadcrumb, &str)> {
        self.graph.order().iter().filter_map(|id| Some((id, self.roots.get(id)?))).flat_map(
            |(id, root)| {
                let draft = &root.draft;
                draft.logs.iter().map(move |(node, text)| (id, draft.breadcrumb(*node), &**text))
            },
        )
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Model({} roots, {})", self.roots.len(), self.digest.short())
    }
}

/// The edges between roots that their requirements make, each with the resources that ask for it.
fn edges(drafts: &BTreeMap<RootId, Draft>, answers: &Answers) -> Vec<Edge> {
    let mut edges = BTreeMap::<(RootId, RootId), BTreeSet<String>>::new();
    for (id, draft) in drafts {
        for requirement in &draft.required {
            for provided in answers.get(&requirement.query) {
                let provider = provided.root();
                let (first, then) = match requirement.order {
                    _ if provider == id => continue,
                    Order::ProviderFirst => (provider, id),
                    Order::Reversed => (id, provider),
                    Order::Unordered => continue,
                };
                let resources = edges.entry((first.clone(), then.clone())).or_default();
                resources.insert(requirement.query.key.short().to_owned());
            }
        }
    }
    edges.into_iter().map(|((first, then), resources)| Edge { first, then, resources }).collect()
}

/// The digest of the whole model, from those of its parts.
fn digest(roots: &BTreeMap<RootId, ModelRoot>, edges: &[Edge]) -> Digest {
    let mut digester = Digester::default();
    for (id, root) in roots {
        digester.text(&id.to_string());
        if let Some(digest) = &root.public {
            digester.digest(digest);
        }
        for provided in &root.draft.provided {
            digester.text(provided.key.short());
            let public = take_out(&provided.json).map(|(public, _)| public);
            let public = public.as_deref().unwrap_or(&provided.json);
            digester.text(&root.draft.secrets.mask(public));
        }
    }
    for edge in edges {
        digester.debug(edge);
    }
    digester.finish()
}
