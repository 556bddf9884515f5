//! The content of files as their hosts will have them, rendered where no host can be asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::merge_maps;
use serde::Serialize;

use crate::address::{AddressTable, Resolved};
use crate::assets::{self, Asset, AssetStore};
use crate::digest::Digest;
use crate::host::{self, AssumedFacts};
use crate::names::{Breadcrumb, HostName, RootId};
use crate::preview::Preview;
use crate::template::{self, RenderTable, Template, TemplateText};

use super::configure::text_of;
use super::draft::Draft;
use super::{Model, ModelRoot};

/// What is larger is not shown, in bytes.
const LARGEST: usize = 1024 * 1024;

/// The content of a file as it will be, as far as it can be told without the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Previewed {
    /// The asset or template that it comes from; `None`: it stands in the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The content itself.
    #[serde(flatten)]
    pub content: PreviewContent,
    /// The facts of the host that a template asked for, with what stands for them here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub assumed_facts: BTreeMap<String, String>,
    /// Whether addresses stand in it that were not resolved; placeholders stand for them.
    pub unresolved: bool,
    /// Whether it holds paths below homes, which are known on the hosts alone.
    pub homes: bool,
}

/// The content of a file, or what can be told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewContent {
    /// A text, with `[secret]` in the place of each secret.
    Text(String),
    /// No text, or too large.
    Binary {
        /// The size in bytes.
        size: u64,
        /// The digest.
        digest: Digest,
    },
    /// It must not be seen.
    #[default]
    Hidden,
}

impl Model {
    /// The content that a component has for the file that it manages; `None`: it has none to show.
    ///
    /// Nothing is resolved here: `addresses` are those that are known.
    ///
    /// # Errors
    /// An asset cannot be read.
    pub fn preview(
        &self,
        root: &RootId,
        breadcrumb: &Breadcrumb,
        addresses: &AddressTable,
        store: &dyn AssetStore,
    ) -> anyhow::Result<Option<Previewed>> {
        let Some(ModelRoot { draft, .. }) = self.roots.get(root) else { return Ok(None) };
        let component = draft.find(breadcrumb).and_then(|node| draft.component(node));
        let Some(preview) = component.and_then(|component| component.preview()) else {
            return Ok(None);
        };
        Ok(Some(match preview {
            Preview::Hidden => Previewed::default(),
            Preview::Bytes(bytes) => {
                Previewed { content: self.shown(bytes), ..Previewed::default() }
            }
            Preview::Asset(asset) => Previewed {
                source: Some(asset.name.clone()),
                content: self.shown_asset(asset, store)?,
                ..Previewed::default()
            },
            Preview::Template(template) => {
                self.rendered(root, draft, template, addresses, store)?
            }
        }))
    }

    fn shown_asset(&self, asset: &Asset, store: &dyn AssetStore) -> anyhow::Result<PreviewContent> {
        if asset.sensitive {
            return Ok(PreviewContent::Hidden);
        }
        if asset.size > LARGEST as u64 {
            return Ok(PreviewContent::Binary { size: asset.size, digest: asset.digest });
        }
        Ok(self.shown(&assets::read(store, asset)?))
    }

    /// A content for everybody to see.
    fn shown(&self, bytes: &[u8]) -> PreviewContent {
        let text = std::str::from_utf8(bytes).ok();
        let Some(text) = text.filter(|text| text.len() <= LARGEST && !text.contains('\0')) else {
            if self.secrets.is_in(bytes) {
                return PreviewContent::Hidden;
            }
            let digest = Digest::of(bytes);
            return PreviewContent::Binary { size: bytes.len() as u64, digest };
        };
        let masked = self.secrets.mask(text);
        match self.secrets.is_in(masked.as_bytes()) {
            true => PreviewContent::Hidden,
            false => PreviewContent::Text(masked.into_owned()),
        }
    }

    fn rendered(
        &self,
        root: &RootId,
        draft: &Draft,
        template: &Template,
        addresses: &AddressTable,
        store: &dyn AssetStore,
    ) -> anyhow::Result<Previewed> {
        let source = match &template.text {
            TemplateText::Asset(asset) => Some(asset.name.clone()),
            TemplateText::Inline(_) => None,
        };
        if let TemplateText::Asset(Asset { sensitive: true, .. }) = &template.text {
            return Ok(Previewed { source, ..Previewed::default() });
        }
        let (text, digest) = text_of(template, store)?;
        let facts = AssumedFacts::new();
        let (project, name) = (&self.environment.project, &self.environment.name);
        let values = Value::from_dyn_object(Arc::clone(&facts));
        let globals = host::globals(project, name, self.host(root), values);
        // Looking for secrets among the facts would count as asking for them.
        let (facts_alone, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            globals.into_iter().partition(|(name, _)| *name == "facts");
        let others: Vec<_> = others.into_iter().collect();
        let context = template::masked(template::with_globals(&template.context, &others));
        // A variable of the template's own wins.
        let context = merge_maps([Value::from(facts_alone), context]);
        let render = |table: RenderTable| {
            let (name, context) = (&template.name, context.clone());
            template::render_plain(name, &text, digest, context, &Arc::new(table))
        };
        let names = draft.listens.iter().map(|(_, address)| address.host.as_str());
        let with = |stand_in: &Resolved| {
            let known = |name: &str| addresses.get(name).unwrap_or(stand_in).clone();
            names.clone().map(|name| (name.to_owned(), known(name))).collect::<AddressTable>()
        };
        let placeholder = Resolved::placeholder();
        let table = RenderTable { addresses: with(&placeholder), ..RenderTable::default() };
        // It was rendered with its secrets before: what fails without them needs more than a text.
        let Ok(text) = render(table.clone()) else {
            return Ok(Previewed { source, ..Previewed::default() });
        };
        let assumed_facts = facts.take_asked();
        // What another table changes depends on it.
        let depends = |table| render(table).as_ref() != Ok(&text);
        let other = Resolved { v4: Some([192, 0, 2, 1].into()), v6: None };
        let unresolved = !draft.listens.is_empty()
            && depends(RenderTable { addresses: with(&other), ..RenderTable::default() });
        let homes = self.environment.hosts.keys().map(|host: &HostName| (host.clone(), "/".into()));
        let homes = depends(RenderTable { homes: homes.collect(), ..table });
        let content = self.shown(text.as_bytes());
        Ok(Previewed { source, content, assumed_facts, unresolved, homes })
    }
}
