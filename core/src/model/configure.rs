//! From an environment to a model, or to all that is wrong with it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Resolved;
use crate::assets::{self, AssetCatalogue, AssetStore, WithSecrets};
use crate::digest::Digest;
use crate::environment::Environment;
use crate::fault;
use crate::host::Facts;
use crate::names::{RootId, nearest};
use crate::problem::{Problem, Problems, code};
use crate::registry::Registry;
use crate::secret::{Key, KnownSecrets, Masked};
use crate::template::{self, RenderTable, Template, TemplateError, TemplateText};

use super::draft::Draft;
use super::graph::Graph;
use super::once::Once;
use super::settle::{Settled, in_parallel, settle};
use super::{Model, ModelRoot, digest, edges, faults};

/// Configures every root of every host until their requirements settle.
///
/// The registry must have [checked](Registry::check) the environment before.
///
/// # Errors
/// Everything that is wrong with the model, merged over hosts, in a stable order.
pub fn configure<A: AssetCatalogue + AssetStore>(
    registry: &Registry,
    environment: &Environment,
    assets: &A,
) -> Result<Model, Problems> {
    let secrets = KnownSecrets::of(environment);
    let key = Key::draw().map_err(no_key)?;
    let assets = WithSecrets::new(assets, &environment.secret_files);
    let configured = configure_with(&key, &secrets, registry, environment, &assets);
    configured.map_err(|problems| problems.masked(&secrets))
}

fn no_key(error: std::io::Error) -> Problems {
    let error = anyhow::Error::new(error).context("cannot draw a key for the model's digests");
    Problems::new([Problem::from_error(&error, code::THIS_MACHINE)])
}

fn configure_with<A: AssetCatalogue + AssetStore>(
    key: &Key,
    secrets: &Arc<KnownSecrets>,
    registry: &Registry,
    environment: &Environment,
    assets: &A,
) -> Result<Model, Problems> {
    let attributes = registry.check(environment);
    if !attributes.is_empty() {
        return Err(Problems::new(attributes));
    }
    let Settled { mut drafts, answers } = settle(registry, environment, assets, secrets)?;
    for (_, text) in drafts.values_mut().flat_map(|draft| &mut draft.logs) {
        secrets.mask_in(text);
    }
    let mut found = faults::find(environment, &drafts, &answers);
    if found.list.is_empty() {
        found.list = try_templates(environment, &drafts, assets);
    }
    let mut edges = edges(&drafts, &answers);
    let once = Once::of(environment);
    once.add_edges(&mut edges);
    let graph = match Graph::new(drafts.keys(), edges) {
        Ok(graph) => graph,
        Err(cycles) => {
            found.list.extend(cycles);
            Graph::default()
        }
    };
    if !found.list.is_empty() {
        return Err(Problems { list: Problem::merged(found.list), ..found });
    }
    let digests = in_parallel(drafts.values().collect(), |draft| {
        let digests = draft.digests(key);
        (draft.public_digest(&digests), digests)
    });
    let ignored = |id: &RootId| {
        let host = &environment.hosts[&id.host];
        host.ignore || host.roots.iter().any(|root| root.name == id.root && root.ignore)
    };
    let roots: BTreeMap<_, _> = drafts
        .into_iter()
        .zip(digests)
        .map(|((id, draft), (public, digests))| {
            let ignored = ignored(&id);
            (id, ModelRoot { draft, digests, public, ignored })
        })
        .collect();
    let digest = digest(&roots, graph.edges());
    let (environment, secrets, key) = (environment.clone(), Arc::clone(secrets), key.clone());
    Ok(Model { environment, roots, answers, graph, once, secrets, key, digest })
}

/// Configures twice and compares: a component whose `configure` or `Debug` is not pure is found
/// before a host finds it.
///
/// # Errors
/// As [`configure`], and the first component that differs in each root.
pub fn configure_twice<A: AssetCatalogue + AssetStore>(
    registry: &Registry,
    environment: &Environment,
    assets: &A,
) -> Result<Model, Problems> {
    let model = configure(registry, environment, assets)?;
    let assets = WithSecrets::new(assets, &environment.secret_files);
    let again = configure_with(&model.key, &model.secrets, registry, environment, &assets)
        .map_err(|problems| problems.masked(&model.secrets))?;
    let mut found = Vec::new();
    for (id, root) in &model.roots {
        let Some(other) = again.roots.get(id) else { continue };
        let known = root.draft.nodes.iter().map(|node| node.breadcrumb.clone());
        let known: Vec<_> = known.zip(root.digests.iter().copied()).collect();
        if let Some(breadcrumb) =
            super::draft::first_difference(&known, &other.draft, &other.digests)
        {
            found.push(
                Problem::new(code::IMPURE, "the component is configured differently each time")
                    .in_component(&id.root, &breadcrumb)
                    .on(&id.host)
                    .hint(
                        "`configure` must be pure, and `Debug` must print the same in every \
                         process: no `HashMap`, no time, no random number",
                    ),
            );
        }
    }
    if found.is_empty() { Ok(model) } else { Err(Problems::new(found).masked(&model.secrets)) }
}

/// Renders every template once, with placeholders for what only the host knows.
fn try_templates(
    environment: &Environment,
    drafts: &BTreeMap<RootId, Draft>,
    store: &dyn AssetStore,
) -> Vec<Problem> {
    let facts = Facts::placeholder();
    let by_root = in_parallel(drafts.iter().collect(), |(id, draft)| {
        if draft.templates.is_empty() {
            return Vec::new();
        }
        let host = &environment.hosts[&id.host];
        let (project, environment) = (&environment.project, &environment.name);
        let globals = crate::host::globals(project, environment, host, facts.to_value());
        let placeholders = draft.listens.iter();
        let placeholders =
            placeholders.map(|(_, address)| (address.host.clone(), Resolved::placeholder()));
        let table =
            Arc::new(RenderTable { addresses: placeholders.collect(), ..RenderTable::default() });
        let tried = draft.templates.iter().filter_map(|(node, template)| {
            let error = try_template(template, &globals, &table, store).err()?;
            let mut problem = Problem::from_error(&error, code::TEMPLATE);
            if problem.hint.is_none() {
                let context = template::with_globals(&template.context, &globals);
                problem.hint = error.downcast_ref().and_then(|error| variables(error, &context));
            }
            Some(problem.in_component(&id.root, draft.breadcrumb(*node)).on(&id.host))
        });
        tried.collect::<Vec<_>>()
    });
    by_root.into_iter().flatten().collect()
}

/// What a template could use in place of a variable that it was not given.
fn variables(error: &TemplateError, context: &minijinja::Value) -> Option<String> {
    let name = error.detail.strip_prefix("variable `")?.strip_suffix("` is undefined")?;
    let known: Vec<_> = context.try_iter().ok()?.map(|key| key.to_string()).collect();
    Some(match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            format!("give it in the `context!` of the template, which has `{}`", known.join("`, `"))
        }
    })
}

fn try_template(
    template: &Template,
    globals: &[(&str, minijinja::Value)],
    table: &Arc<RenderTable>,
    store: &dyn AssetStore,
) -> anyhow::Result<()> {
    let context = template::with_globals(&template.context, globals);
    let (text, digest) = text_of(template, store)?;
    template::render(&template.name, &text, digest, context, table)?;
    Ok(())
}

/// The text of a template, and the digest by which it is known; no text is read that was compiled.
///
/// # Errors
/// The text cannot be read, or is not UTF-8.
pub(super) fn text_of<'a>(
    template: &'a Template,
    store: &dyn AssetStore,
) -> anyhow::Result<(Cow<'a, str>, Option<Digest>)> {
    let asset = match &template.text {
        TemplateText::Inline(text) => return Ok((Cow::Borrowed(text), None)),
        TemplateText::Asset(asset) => asset,
    };
    if template::is_compiled(asset.digest) {
        return Ok((Cow::Borrowed(""), Some(asset.digest)));
    }
    let text = String::from_utf8(assets::read(store, asset)?).map_err(|_| {
        fault!(code::TEMPLATE_NOT_TEXT, "template `{}` is not text in UTF-8", template.name)
    })?;
    Ok((Cow::Owned(text), Some(asset.digest)))
}
