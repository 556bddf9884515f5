//! All that is wrong with a settled model.

use std::collections::{BTreeMap, BTreeSet};

use crate::environment::Environment;
use crate::names::{HostName, RootId, nearest};
use crate::problem::{Problem, Problems, code};
use crate::resource::ResourceKey;

use super::answers::Answers;
use super::draft::{Cause, Draft, Order};

/// Finds what is wrong; the graph and the templates are looked at elsewhere.
pub(super) fn find(
    environment: &Environment,
    drafts: &BTreeMap<RootId, Draft>,
    answers: &Answers,
) -> Problems {
    let mut list = Vec::new();
    list.extend(failures(environment, drafts));
    for (id, draft) in drafts {
        list.extend(draft.collisions().into_iter().map(|breadcrumb| {
            Problem::new(
                code::SAME_SIBLINGS,
                format!("two siblings are both called `{}`", breadcrumb.label()),
            )
            .in_component(&id.root, breadcrumb)
            .on(&id.host)
            .hint("give the component a `key` that tells them apart, or remove one")
        }));
        list.extend(triggers(id, draft, answers));
    }
    if list.is_empty() {
        list = unused(drafts);
    }
    let follow_ups = drafts.values().map(|draft| draft.follow_ups).sum();
    Problems { list, follow_ups }
}

fn failures(environment: &Environment, drafts: &BTreeMap<RootId, Draft>) -> Vec<Problem> {
    // Who stopped at an unmet requirement may be the one who would provide what others wait for.
    let waiting: BTreeMap<&RootId, BTreeSet<String>> = drafts
        .iter()
        .filter_map(|(id, draft)| {
            let unmet = draft.failures.iter().filter_map(|failure| failure.unmet.as_ref());
            let keys: BTreeSet<_> = unmet.map(|unmet| unmet.query.key.to_string()).collect();
            (!keys.is_empty()).then_some((id, keys))
        })
        .collect();
    let mut problems = Vec::new();
    for (id, draft) in drafts {
        for failure in &draft.failures {
            let mut problem = failure.problem.clone();
            if let Some(unmet) = &failure.unmet {
                problem.hint = hint(environment, id, unmet.query.host.as_ref(), &waiting);
            }
            problems.push(problem);
        }
    }
    problems
}

/// What to do about a requirement that nobody met.
fn hint(
    environment: &Environment,
    asker: &RootId,
    host: Option<&HostName>,
    waiting: &BTreeMap<&RootId, BTreeSet<String>>,
) -> Option<String> {
    if let Some(host) = host
        && !environment.hosts.contains_key(host)
    {
        let known = environment.hosts.keys().map(HostName::as_str);
        return Some(match nearest(host.as_str(), known) {
            Some(near) => format!("there is no host `{host}`; did you mean `{near}`?"),
            None => format!("there is no host `{host}` in the environment"),
        });
    }
    let others: BTreeMap<_, _> = waiting
        .iter()
        .filter(|(id, _)| id.root != asker.root)
        .map(|(id, keys)| (&id.root, keys))
        .collect();
    if others.is_empty() {
        return Some("add a root that provides it to a host, or require it as `optional()`".into());
    }
    let others: Vec<_> = others
        .into_iter()
        .take(3)
        .map(|(root, keys)| {
            let keys: Vec<_> = keys.iter().map(String::as_str).collect();
            format!("`{root}` waits for `{}`", keys.join("`, `"))
        })
        .collect();
    Some(format!(
        "{}: if they wait for each other, let one provide before it requires",
        others.join(", ")
    ))
}

fn triggers(id: &RootId, draft: &Draft, answers: &Answers) -> Vec<Problem> {
    let mut problems = Vec::new();
    for trigger in &draft.triggers {
        let problem = match &trigger.cause {
            Cause::Node(cause) if draft.is_within(trigger.dependant, *cause) => Problem::new(
                code::TRIGGER_INSIDE,
                format!(
                    "a change of `{}` cannot trigger what lies inside of it",
                    draft.breadcrumb(*cause)
                ),
            )
            .hint("add the dependant after the cause, beside it"),
            Cause::Provider(provider) if !ordered_after(draft, provider, answers) => Problem::new(
                code::TRIGGER_BACKWARDS,
                format!(
                    "a change of `{}` cannot trigger this: the requirement does not let `{}` come \
                     first",
                    provider.breadcrumb, provider.root
                ),
            )
            .hint("require the value without `.reversed()` and `.unordered()`"),
            _ => continue,
        };
        let breadcrumb = draft.breadcrumb(trigger.dependant);
        problems.push(problem.in_component(&id.root, breadcrumb).on(&id.host));
    }
    problems
}

/// Whether one of the root's requirements lets the provider converge first.
fn ordered_after(draft: &Draft, provider: &crate::resource::Provider, answers: &Answers) -> bool {
    draft.required.iter().any(|requirement| {
        requirement.order == Order::ProviderFirst
            && answers.get(&requirement.query).any(|value| *value.provider == *provider)
    })
}

/// What is provided and required by nobody.
fn unused(drafts: &BTreeMap<RootId, Draft>) -> Vec<Problem> {
    let mut asked = BTreeMap::<&ResourceKey, BTreeSet<Option<&HostName>>>::new();
    for requirement in drafts.values().flat_map(|draft| &draft.required) {
        let query = &requirement.query;
        asked.entry(&query.key).or_default().insert(query.host.as_ref());
    }
    let mut problems = Vec::new();
    for (id, draft) in drafts {
        for provided in draft.provided.iter().filter(|provided| !provided.waived) {
            let used = asked
                .get(&provided.key)
                .is_some_and(|hosts| hosts.contains(&None) || hosts.contains(&Some(&id.host)));
            if !used {
                problems.push(
                    Problem::new(
                        code::NOT_REQUIRED,
                        format!("resource `{}` is required by nobody", provided.key),
                    )
                    .in_component(&id.root, &provided.provider.breadcrumb)
                    .on(&id.host)
                    .hint("require it somewhere, or `offer` it instead of `provide`"),
                );
            }
        }
    }
    problems
}
