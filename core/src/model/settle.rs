//! The fix-point: roots are configured until what they provide and require no longer changes.
//!
//! Every pass configures with what all roots provided in the pass before, so that the result does
//! not depend on the order in which roots are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::assets::AssetCatalogue;
use crate::environment::{Environment, Host, Root};
use crate::names::RootId;
use crate::problem::{Problem, Problems, code};
use crate::registry::Registry;
use crate::resource::ResourceKey;
use crate::scope::Site;
use crate::secret::{KnownSecrets, known};

use super::answers::Answers;
use super::draft::Draft;

/// What the roots came to.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) drafts: BTreeMap<RootId, Draft>,
    pub(super) answers: Answers,
}

/// Configures all roots, and again those whose answers changed, until none does.
///
/// # Errors
/// A value that keeps changing, with the resource and the roots.
pub(super) fn settle(
    registry: &Registry,
    environment: &Environment,
    catalogue: &dyn AssetCatalogue,
    secrets: &Arc<KnownSecrets>,
) -> Result<Settled, Problems> {
    let roots: BTreeMap<RootId, (&Host, &Root)> = environment
        .hosts
        .values()
        .flat_map(|host| host.roots.iter().map(move |root| (host, root)))
        .map(|(host, root)| (RootId::new(host.name.clone(), root.name.clone()), (host, root)))
        .collect();
    // A chain of requirements is at most as long as there are roots; each pass settles one link.
    let most_passes = roots.len() + 2;
    let mut drafts = BTreeMap::<RootId, Draft>::new();
    let mut answers = Answers::default();
    let mut due: BTreeSet<&RootId> = roots.keys().collect();
    let mut askers = BTreeMap::<ResourceKey, BTreeSet<&RootId>>::new();
    for pass in 1.. {
        let configured = in_parallel(due.iter().copied().collect(), |id| {
            let (host, root) = roots[id];
            plant(registry, environment, host, root, &answers, catalogue, secrets)
        });
        let mut changed = BTreeMap::<ResourceKey, BTreeSet<&RootId>>::new();
        for (id, draft) in due.iter().copied().zip(configured) {
            let draft = draft?;
            for requirement in &draft.required {
                askers.entry(requirement.query.key.clone()).or_default().insert(id);
            }
            let before = drafts.get(id).map_or(&[][..], |before| &before.provided);
            for key in answers.replace(id, before, &draft.provided) {
                changed.entry(key).or_default().insert(id);
            }
            drafts.insert(id.clone(), draft);
        }
        due = changed.keys().filter_map(|key| askers.get(key)).flatten().copied().collect();
        if due.is_empty() {
            break;
        }
        if pass == most_passes {
            return Err(never_settles(&changed, &due));
        }
    }
    Ok(Settled { drafts, answers })
}

/// Configures one root with what all roots provided so far.
///
/// # Errors
/// The component is unknown or its attributes cannot be read.
pub(crate) fn plant(
    registry: &Registry,
    environment: &Environment,
    host: &Host,
    root: &Root,
    answers: &Answers,
    catalogue: &dyn AssetCatalogue,
    secrets: &Arc<KnownSecrets>,
) -> Result<Draft, Problems> {
    let Some(component) = registry.get(root.name.as_str()) else {
        let message = format!("unknown component `{}`", root.name);
        return Err(Problems::new([
            Problem::new(code::UNKNOWN_COMPONENT, message).at(root.origin.clone())
        ]));
    };
    let features = if root.features.is_empty() {
        component.default_features().to_vec()
    } else {
        root.features.iter().map(String::as_str).collect()
    };
    let site = Site {
        project: &environment.project,
        environment: &environment.name,
        host,
        root,
        id: RootId::new(host.name.clone(), root.name.clone()),
        work_directory: host.work_directory(&root.name),
        features,
        source: component.source(),
        answers,
        catalogue,
    };
    let secrets = secrets.of_root(host, root);
    let planted = known::learning(&secrets, || component.plant(&site));
    planted.map(|draft| Draft { secrets, ..draft }).map_err(Problems::new)
}

fn never_settles(
    changed: &BTreeMap<ResourceKey, BTreeSet<&RootId>>,
    due: &BTreeSet<&RootId>,
) -> Problems {
    let names = |roots: &BTreeSet<&RootId>| {
        roots.iter().map(|root| format!("`{root}`")).collect::<Vec<_>>().join(", ")
    };
    Problems::new(changed.iter().map(|(key, roots)| {
        Problem::new(
            code::NEVER_SETTLES,
            format!("the model never settles: resource `{key}` of {} keeps changing", names(roots)),
        )
        .hint(format!(
            "{} is configured again each time; let no value depend on itself in a circle",
            names(due)
        ))
    }))
}

/// Maps in the order of the items, on all cores when there is enough to do.
pub(super) fn in_parallel<T: Sync, U: Send>(items: Vec<T>, map: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if items.len() < 16 || cores == 1 {
        return items.iter().map(map).collect();
    }
    let size = items.len().div_ceil(cores * 4);
    let chunks: Vec<_> = items.chunks(size).enumerate().collect();
    let queue = Mutex::new(chunks.into_iter());
    let next = || queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let mut done = BTreeMap::new();
    thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            while let Some((number, chunk)) = next() {
                done.push((number, chunk.iter().map(&map).collect::<Vec<_>>()));
            }
            done
        };
        let workers: Vec<_> = (1..cores).map(|_| scope.spawn(work)).collect();
        done.extend(work());
        for worker in workers {
            match worker.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    done.into_values().flatten().collect()
}
