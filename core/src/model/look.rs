//! What a model holds, as plain data for people and programs to look at. Secrets are masked.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::names::{Breadcrumb, HostName, RootId};
use crate::resource::Provider;
use crate::secret::{KnownSecrets, MASK, take_out};

use super::draft::{self, Draft, NodeId, Order};
use super::{Model, ModelRoot};

/// That a component of a root asked for a resource, and who answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requirement {
    /// The component that asked.
    pub breadcrumb: Breadcrumb,
    /// The resource's type, without its modules.
    pub resource: String,
    /// The host that a value has to come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<HostName>,
    /// What it means for the order of the two roots.
    pub order: Order,
    /// Whether nobody has to provide it.
    pub optional: bool,
    /// The components that provide it, by host and root.
    pub providers: Vec<Provider>,
}

/// One root as it was configured.
#[derive(Clone, Debug, Serialize)]
pub struct RootLook {
    /// The root and its host.
    pub root: RootId,
    /// Whether the root, or its host, is left out of every run.
    pub ignored: bool,
    /// The directory that relative paths lie in, `~` unexpanded.
    pub work_directory: String,
    /// What its components ask for, in order.
    pub requires: Vec<Requirement>,
    /// What its components provide, in order.
    pub provides: Vec<Provision>,
    /// All components in pre-order.
    pub components: Vec<ComponentLook>,
}

/// A value that a component provides.
#[derive(Clone, Debug, Serialize)]
pub struct Provision {
    /// The component.
    pub breadcrumb: Breadcrumb,
    /// The resource's type, without its modules.
    pub resource: String,
    /// The value.
    pub value: serde_json::Value,
    /// The roots that require it, or a value of the same type from anywhere.
    pub required_by: BTreeSet<RootId>,
}

/// One component as it was configured.
#[derive(Clone, Debug, Serialize)]
pub struct ComponentLook {
    /// Its place in the tree of the root.
    pub breadcrumb: Breadcrumb,
    /// How many components are above it.
    pub depth: usize,
    /// What it looks after on the host.
    pub manages: Vec<Managed>,
    /// What it is updated for, when that changes or anything below it does.
    pub updated_for: Vec<Cause>,
    /// What is updated when it changes, or anything below it.
    pub triggers: Vec<Cause>,
    /// The names and ports that it listens on.
    pub listens: Vec<String>,
    /// What it said while it was configured.
    pub logs: Vec<String>,
    /// All of its fields, as `Debug` prints them.
    pub fields: String,
}

/// Something on the host that a component looks after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Managed {
    /// A kind, such as `file`.
    pub kind: String,
    /// The path or name.
    pub name: String,
}

/// A component at one end of a trigger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cause {
    /// The root, where it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<RootId>,
    /// The component.
    pub breadcrumb: Breadcrumb,
}

impl Model {
    /// A text for everybody to see: with `[secret]` in the place of each secret.
    pub fn masked(&self, text: &str) -> String {
        self.secrets.mask(text).into_owned()
    }

    /// What the components of a root ask for, in order; nothing if there is no such root.
    pub fn requirements(&self, root: &RootId) -> Vec<Requirement> {
        let Some(ModelRoot { draft, .. }) = self.roots.get(root) else { return Vec::new() };
        let mut requirements = Vec::with_capacity(draft.required.len());
        for asked in &draft.required {
            let providers = self.answers.get(&asked.query).map(|value| (*value.provider).clone());
            let requirement = Requirement {
                breadcrumb: draft.breadcrumb(asked.node).clone(),
                resource: asked.query.key.short().to_owned(),
                on: asked.query.host.clone(),
                order: asked.order,
                optional: asked.optional,
                providers: providers.collect(),
            };
            if !requirements.contains(&requirement) {
                requirements.push(requirement);
            }
        }
        requirements
    }

    /// All that is known of a root; `None` if there is no such root.
    pub fn look(&self, root: &RootId) -> Option<RootLook> {
        let ModelRoot { draft, ignored, .. } = self.roots.get(root)?;
        let provides = draft.provided.iter().map(|provided| Provision {
            breadcrumb: provided.provider.breadcrumb.clone(),
            resource: provided.key.short().to_owned(),
            value: public(&provided.json, &self.secrets),
            required_by: self.required_by(root, &provided.key),
        });
        Some(RootLook {
            root: root.clone(),
            ignored: *ignored,
            work_directory: self.host(root).work_directory(&root.root).as_str().to_owned(),
            requires: self.requirements(root),
            provides: provides.collect(),
            components: self.components_of(root, draft),
        })
    }

    fn required_by(
        &self,
        provider: &RootId,
        key: &crate::resource::ResourceKey,
    ) -> BTreeSet<RootId> {
        let asks = |draft: &Draft| {
            draft.required.iter().any(|asked| {
                let host = asked.query.host.as_ref();
                asked.query.key == *key && host.is_none_or(|host| *host == provider.host)
            })
        };
        let roots = self.roots.iter().filter(|(_, root)| asks(&root.draft));
        roots.map(|(id, _)| id.clone()).collect()
    }

    fn components_of(&self, root: &RootId, draft: &Draft) -> Vec<ComponentLook> {
        let mut looks: Vec<_> = (0..draft.nodes.len()).map(|node| self.bare(draft, node)).collect();
        for (node, kind, name) in &draft.managed {
            let name = self.secrets.mask(name).into_owned();
            looks[*node].manages.push(Managed { kind: kind.clone(), name });
        }
        for (node, address) in &draft.listens {
            let listens = format!("{}:{}", address.host, address.port);
            if !looks[*node].listens.contains(&listens) {
                looks[*node].listens.push(listens);
            }
        }
        for (node, text) in &draft.logs {
            looks[*node].logs.push(text.clone());
        }
        for trigger in &draft.triggers {
            let cause = match &trigger.cause {
                draft::Cause::Node(cause) => {
                    let dependant = draft.breadcrumb(trigger.dependant).clone();
                    looks[*cause].triggers.push(Cause { root: None, breadcrumb: dependant });
                    Cause { root: None, breadcrumb: draft.breadcrumb(*cause).clone() }
                }
                draft::Cause::Provider(provider) => Cause {
                    root: Some(provider.root.clone()),
                    breadcrumb: provider.breadcrumb.clone(),
                },
            };
            looks[trigger.dependant].updated_for.push(cause);
        }
        for (other, ModelRoot { draft: theirs, .. }) in &self.roots {
            for trigger in &theirs.triggers {
                let draft::Cause::Provider(provider) = &trigger.cause else { continue };
                let node = (provider.root == *root).then(|| draft.find(&provider.breadcrumb));
                let Some(node) = node.flatten() else { continue };
                let breadcrumb = theirs.breadcrumb(trigger.dependant).clone();
                looks[node].triggers.push(Cause { root: Some(other.clone()), breadcrumb });
            }
        }
        looks
    }

    /// A component without what others say of it.
    fn bare(&self, draft: &Draft, node: NodeId) -> ComponentLook {
        let above =
            std::iter::successors(draft.nodes[node].parent, |node| draft.nodes[*node].parent);
        let fields = draft.component(node).map(|component| format!("{component:?}"));
        let mut fields = fields.unwrap_or_default();
        self.secrets.mask_in(&mut fields);
        ComponentLook {
            breadcrumb: draft.breadcrumb(node).clone(),
            depth: above.count(),
            manages: Vec::new(),
            updated_for: Vec::new(),
            triggers: Vec::new(),
            listens: Vec::new(),
            logs: Vec::new(),
            fields,
        }
    }
}

/// A provided value for everybody to see.
fn public(json: &str, known: &KnownSecrets) -> serde_json::Value {
    let taken = take_out(json).map(|(public, _)| public);
    let read = serde_json::from_str(taken.as_deref().unwrap_or(json));
    let Ok(mut value) = read else { return MASK.into() };
    mask(&mut value, known);
    // What is no text, or stands in several, cannot be masked in parts.
    if known.is_in(value.to_string().as_bytes()) { MASK.into() } else { value }
}

fn mask(value: &mut serde_json::Value, known: &KnownSecrets) {
    match value {
        serde_json::Value::String(text) => known.mask_in(text),
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| mask(value, known)),
        serde_json::Value::Object(values) => {
            values.values_mut().for_each(|value| mask(value, known));
        }
        _ => {}
    }
}
