//! What a component may do while it is configured.

mod handle;
mod requirement;
mod trigger;

use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;

use crate::address::{Address, ListenAddress};
use crate::assets::{self, Asset, AssetCatalogue, AssetError, TreeEntry};
use crate::attributes::{FromValue, Reader, SourceLocation};
use crate::component::{Component, Result};
use crate::environment::{Host, Root};
use crate::fault;
use crate::fault::HintExt;
use crate::host::{Exec, remedied};
use crate::model::answers::{Answers, Provided};
use crate::model::draft::{Draft, Failure, Node, NodeId, Unmet};
use crate::names::{Breadcrumb, HostName, RootId};
use crate::panics;
use crate::path::HostPath;
use crate::problem::{Problem, code};
use crate::resource::{Provider, Resource, short_type_name};
use crate::secret::{self, known};
use crate::template::{Context, Template, TemplateText};

pub use handle::{Addable, Handle};
pub use requirement::{OptionalRequirement, Requirement};
pub use trigger::{ChangeCause, OnChange};

/// What surrounds a root while it is configured.
pub(crate) struct Site<'a> {
    pub(crate) project: &'a str,
    pub(crate) environment: &'a str,
    pub(crate) host: &'a Host,
    pub(crate) root: &'a Root,
    pub(crate) id: RootId,
    pub(crate) work_directory: HostPath,
    pub(crate) features: Vec<&'a str>,
    pub(crate) source: SourceLocation,
    pub(crate) answers: &'a Answers,
    pub(crate) catalogue: &'a dyn AssetCatalogue,
}

/// The model as a component sees it while it is configured; no host can be reached through it.
pub struct Scope<'a> {
    pub(crate) draft: &'a mut Draft,
    pub(crate) node: NodeId,
    pub(crate) site: &'a Site<'a>,
}

/// Configures the component of a root, and all below it.
pub(crate) fn configure_root<C: Component>(component: C, site: &Site<'_>) -> Draft {
    let mut draft = Draft::default();
    configure(component, None, &mut draft, site);
    draft
}

/// Makes a node for a component, configures it and freezes it.
fn configure<C: Component>(
    mut component: C,
    parent: Option<NodeId>,
    draft: &mut Draft,
    site: &Site<'_>,
) -> Handle<C> {
    let type_name = short_type_name(std::any::type_name::<C>());
    let label = match panics::catch(|| component.key().map(|key| format!("{type_name}({key:?})"))) {
        Ok(label) => label.unwrap_or_else(|| type_name.to_owned()),
        Err(_) => type_name.to_owned(),
    };
    let label = secret::masked(label);
    let breadcrumb = match parent {
        Some(parent) => draft.breadcrumb(parent).child(&label),
        None => Breadcrumb::new(label),
    };
    let node = draft.nodes.len();
    let source = component.asset_source().or_else(|| match parent {
        Some(parent) => draft.nodes[parent].source,
        None => Some(site.source),
    });
    draft.nodes.push(Node {
        parent,
        children: Vec::new(),
        breadcrumb: breadcrumb.clone(),
        component: None,
        source,
        failed: false,
    });
    if let Some(parent) = parent {
        draft.nodes[parent].children.push(node);
    }

    let mut scope = Scope { draft, node, site };
    let configured = panics::catch(|| component.configure(&mut scope))
        .unwrap_or_else(|panicked| Err(panicked.into()));
    if let Err(error) = configured {
        record_failure(draft, node, site, &error);
    }
    let component = Arc::new(component);
    draft.nodes[node].component = Some(component.clone());
    Handle { component, node, breadcrumb }
}

fn record_failure(draft: &mut Draft, node: NodeId, site: &Site<'_>, error: &anyhow::Error) {
    let unmet = error.downcast_ref::<Unmet>().cloned();
    let follows = draft.nodes[node + 1..].iter().any(|below| below.failed);
    draft.nodes[node].failed = true;
    if follows && unmet.is_none() {
        draft.follow_ups += 1;
        return;
    }
    let problem = Problem::from_error(error, code::CONFIGURE_FAILED)
        .in_component(&site.id.root, draft.breadcrumb(node))
        .on(&site.id.host);
    draft.failures.push(Failure { problem, unmet });
}

impl<'a> Scope<'a> {
    /// Adds a sub-component: it is configured at once, and frozen after that.
    ///
    /// The handle reads like the component. What goes wrong in it is collected with its
    /// breadcrumb; this call does not fail. `None` adds nothing.
    ///
    /// Sub-components converge in the order in which they were added, all of them before this one.
    pub fn add<A: Addable>(&mut self, component: A) -> A::Handle {
        component.add_to(self)
    }

    /// Adds a sub-component on hosts of one platform only.
    pub fn add_on<C: Component>(&mut self, platform: &str, component: C) -> Option<Handle<C>> {
        let component = (self.platform() == Some(platform)).then_some(component);
        self.add(component)
    }

    pub(crate) fn add_component<C: Component>(&mut self, component: C) -> Handle<C> {
        configure(component, Some(self.node), self.draft, self.site)
    }

    /// Starts a trigger: what is added next is updated whenever the cause, or anything below it,
    /// was changed.
    ///
    /// The cause is a [`Handle`] of this root or a [`Required`](crate::resource::Required) value,
    /// which stands for the component that provided it.
    pub fn on_change(&mut self, cause: &impl ChangeCause) -> OnChange<'_, 'a> {
        OnChange::new(self).on_change(cause)
    }

    /// Starts a trigger whose causes are all sub-components added here so far.
    pub fn on_any_change(&mut self) -> OnChange<'_, 'a> {
        OnChange::any(self)
    }

    /// Provides a value to other roots. Somebody must require it.
    pub fn provide<R: Resource>(&mut self, value: R) {
        self.provide_value(value, false);
    }

    /// Provides a value that nobody has to require.
    pub fn offer<R: Resource>(&mut self, value: R) {
        self.provide_value(value, true);
    }

    fn provide_value<R: Resource>(&mut self, value: R, waived: bool) {
        let breadcrumb = self.breadcrumb().clone();
        let provider = Arc::new(Provider { root: self.site.id.clone(), breadcrumb });
        match Provided::new(value, provider, waived) {
            Ok(provided) => self.draft.provided.push(Arc::new(provided)),
            Err(error) => {
                let name = short_type_name(std::any::type_name::<R>());
                let error = anyhow::Error::new(error)
                    .context(format!("resource `{name}` cannot be written as JSON"));
                record_failure(self.draft, self.node, self.site, &error);
            }
        }
    }

    /// Asks for the values of a resource; the builder's `one()` and `all()` give them.
    pub fn require<R: Resource>(&mut self) -> Requirement<'_, 'a, R> {
        Requirement::new(self)
    }

    /// The one value of a resource, from any host; short for `require::<R>().one()`.
    ///
    /// # Errors
    /// Nobody provides it (yet), or there is more than one value.
    pub fn require_one<R: Resource>(&mut self) -> Result<crate::resource::Required<R>> {
        self.require().one()
    }

    /// All values of a resource, from all hosts; short for `require::<R>().all()`.
    ///
    /// # Errors
    /// Nobody provides it (yet).
    pub fn require_all<R: Resource>(&mut self) -> Result<Vec<crate::resource::Required<R>>> {
        self.require().all()
    }

    /// The host that the component converges on.
    pub fn host(&self) -> &'a HostName {
        &self.site.host.name
    }

    /// The environment's name.
    pub fn environment(&self) -> &'a str {
        self.site.environment
    }

    /// The project's name.
    pub fn project(&self) -> &'a str {
        self.site.project
    }

    /// The root that the component belongs to.
    pub fn root(&self) -> &'a RootId {
        &self.site.id
    }

    /// The place of the component in the tree of its root.
    pub fn breadcrumb(&self) -> &Breadcrumb {
        self.draft.breadcrumb(self.node)
    }

    /// The host's platform, such as `debian`, where the environment names one.
    pub fn platform(&self) -> Option<&'a str> {
        self.site.host.platform.as_deref()
    }

    /// The features of the root: those that the environment asks for, else the component's default.
    pub fn features(&self) -> &[&'a str] {
        &self.site.features
    }

    /// Whether the root has a feature.
    pub fn has_feature(&self, feature: &str) -> bool {
        self.site.features.contains(&feature)
    }

    /// A value of the host's data; `None` when the environment does not set it.
    ///
    /// # Errors
    /// The value has another type.
    pub fn data<T: FromValue>(&self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.site.host.data.get(name) else { return Ok(None) };
        let mut reader = Reader::new(&self.site.host.data, None);
        let read = reader.part(name, |reader| T::from_value(value, reader));
        match reader.finish().into_iter().next() {
            None => Ok(read),
            Some(problem) => Err(fault!(code::HOST_DATA, "{problem}"))
                .context(format!("host `{}` has wrong data", self.host())),
        }
    }

    /// A path on the host. A relative one lies in the root's work directory; an absolute one below
    /// the sandbox, if the environment sets one; `~` is the home of the converging user.
    pub fn path(&self, path: impl AsRef<str>) -> HostPath {
        let path = path.as_ref();
        let host = &self.site.host;
        if path == "~" || path.starts_with("~/") {
            return HostPath::new(&host.name, path);
        }
        match (path.starts_with('/'), &host.sandbox) {
            (false, _) => self.site.work_directory.join(path),
            (true, None) => HostPath::new(&host.name, path),
            (true, Some(sandbox)) => HostPath::new(&host.name, sandbox).join(path),
        }
    }

    /// The directory of the root on its host: `TARGET/work/ROOT`.
    pub fn work_directory(&self) -> HostPath {
        self.site.work_directory.clone()
    }

    /// An address at which others reach this host; the name is kept as it is.
    pub fn address(&self, port: u16) -> Address {
        Address { host: self.site.host.address().to_owned(), port }
    }

    /// An address of this host to listen on; it is resolved after the model has settled.
    pub fn listen(&mut self, port: u16) -> ListenAddress {
        let address = ListenAddress { host: self.site.host.address().to_owned(), port };
        self.draft.listens.push((self.node, address.clone()));
        address
    }

    /// A file beside the component's source.
    ///
    /// # Errors
    /// There is no such file.
    pub fn asset(&mut self, name: &str) -> Result<Asset> {
        let hint = "put the file beside the source of the component, or correct its name";
        let source = self.draft.nodes[self.node].source;
        let source = source.ok_or_else(|| AssetError::NoSource { name: name.to_owned() })?;
        let asset = self.site.catalogue.find(&source, name).hint(hint)?;
        self.draft.assets.insert(asset.name.clone(), asset.clone());
        Ok(asset)
    }

    /// A secret file of the environment, by the name that it has there.
    ///
    /// Hosts hold it in memory, up to 10 MiB; what a component writes of it is sensitive.
    ///
    /// # Errors
    /// The environment has no such file.
    pub fn secret_file(&mut self, name: &str) -> Result<Asset> {
        let hint = "add it to the environment's secrets, or correct its name";
        let asset = self.site.catalogue.secret_file(name).hint(hint)?;
        self.draft.assets.insert(asset.name.clone(), asset.clone());
        Ok(asset)
    }

    /// Refuses a command whose arguments hold a secret of the root: every user of the host could
    /// read them.
    ///
    /// A command that is run is always checked so; this finds the mistake before a host is touched.
    ///
    /// # Errors
    /// An argument holds a secret, and [`Exec::secret_arguments`] was not asked for.
    pub fn check_arguments(&self, command: &Exec) -> Result {
        remedied(known::check_arguments(command))
    }

    /// All files below a directory beside the component's source, sorted by path.
    ///
    /// # Errors
    /// There is no such directory.
    pub fn asset_tree(&mut self, name: &str) -> Result<Vec<TreeEntry>> {
        let hint = "put the directory beside the source of the component, or correct its name";
        let source = self.draft.nodes[self.node].source;
        let source = source.ok_or_else(|| AssetError::NoSource { name: name.to_owned() })?;
        let tree = self.site.catalogue.tree(&source, name).hint(hint)?;
        self.draft.trees.insert(assets::full_name(&source, name)?, tree.clone());
        Ok(tree)
    }

    /// A template beside the component's source, with its variables.
    ///
    /// # Errors
    /// There is no such file.
    pub fn template(&mut self, name: &str, context: Context) -> Result<Template> {
        let asset = self.asset(name)?;
        Ok(self.add_template(name, TemplateText::Asset(asset), context))
    }

    /// A template given as text, with its variables.
    pub fn inline_template(&mut self, name: &str, text: &str, context: Context) -> Template {
        self.add_template(name, TemplateText::Inline(text.into()), context)
    }

    fn add_template(&mut self, name: &str, text: TemplateText, context: Context) -> Template {
        let template = Template { name: name.to_owned(), text, context };
        self.draft.templates.push((self.node, template.clone()));
        template
    }

    /// Records that the component manages something on the host: a kind such as `file`, and its
    /// path or name.
    ///
    /// The record outlives the component, so that what left the model can be found.
    pub fn manages(&mut self, kind: &str, name: impl Into<String>) {
        self.draft.managed.push((self.node, kind.to_owned(), name.into()));
    }

    /// Says that the component can take the provider of a required value out of use, and put it back:
    /// when the provider's root is rolled over its hosts, [`Component::drain`] and
    /// [`Component::restore`] are called for it.
    ///
    /// `provider` is that of a [`Required`](crate::resource::Required) value.
    pub fn drains(&mut self, provider: &Provider) {
        let drained = (self.node, provider.clone());
        if !self.draft.drains.contains(&drained) {
            self.draft.drains.push(drained);
        }
    }

    /// Says something about the configuration; shown once, after the model has settled.
    pub fn log(&mut self, text: impl Into<String>) {
        self.draft.logs.push((self.node, text.into()));
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({}: {})", self.site.id, self.breadcrumb())
    }
}
