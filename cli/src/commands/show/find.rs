//! Finds a component by a part of its breadcrumb.

use std::collections::BTreeSet;

use togusa_core::model::RootLook;
use togusa_core::names::{Breadcrumb, nearest};
use togusa_core::problem::{Problem, code};

use crate::failure::Failure;
use crate::text::names;

const SHOWN: usize = 8;

/// A root, or a component within it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The place in the list of roots.
    pub(super) root: usize,
    /// `None`: the root as a whole.
    pub(super) breadcrumb: Option<Breadcrumb>,
}

/// Whether a component is another one, or lies within it.
pub(super) fn is_within(breadcrumb: &Breadcrumb, within: &Breadcrumb) -> bool {
    let below = breadcrumb.as_str().strip_prefix(within.as_str());
    below.is_some_and(|below| below.is_empty() || below.starts_with(" > "))
}

/// Finds the one component that a text means: a root by its name, else a breadcrumb, a component's own
/// type or key, the beginning of a breadcrumb, a part of a label, a part of a breadcrumb. `ROOT: `
/// before it names the root.
///
/// # Errors
/// There is none, or several.
pub(super) fn find(looks: &[RootLook], text: &str) -> Result<Found, Failure> {
    if let Some(root) = looks.iter().position(|look| look.root.root.as_str() == text) {
        return Ok(Found { root, breadcrumb: None });
    }
    let named = text
        .split_once(": ")
        .filter(|(root, _)| looks.iter().any(|look| look.root.root.as_str() == *root));
    let (only, wanted) = named.map_or((None, text), |(root, rest)| (Some(root), rest));
    let wanted = wanted.to_lowercase();
    let all = looks.iter().enumerate().flat_map(|(number, look)| {
        let root = look.root.root.as_str();
        let here = only.is_none_or(|only| only == root).then_some(&look.components);
        here.into_iter().flatten().map(move |component| (number, &component.breadcrumb))
    });
    let all: Vec<_> = all.collect();
    let ways: [fn(&Breadcrumb, &str) -> bool; 5] = [
        |breadcrumb, wanted| breadcrumb.as_str().to_lowercase() == wanted,
        |breadcrumb, wanted| parts(breadcrumb).any(|part| part.to_lowercase() == wanted),
        |breadcrumb, wanted| breadcrumb.as_str().to_lowercase().starts_with(wanted),
        |breadcrumb, wanted| breadcrumb.label().to_lowercase().contains(wanted),
        |breadcrumb, wanted| breadcrumb.as_str().to_lowercase().contains(wanted),
    ];
    for is_meant in ways {
        let found: Vec<_> =
            all.iter().filter(|(_, breadcrumb)| is_meant(breadcrumb, &wanted)).collect();
        let Some((root, first)) = found.first() else { continue };
        // Those within the first one are shown with it.
        if found.iter().all(|(other, breadcrumb)| other == root && is_within(breadcrumb, first)) {
            return Ok(Found { root: *root, breadcrumb: Some((*first).clone()) });
        }
        let outermost = found.iter().filter(|(root, breadcrumb)| {
            let above = found.iter().filter(|(other, _)| other == root);
            let mut above = above.filter(|(_, other)| other != breadcrumb);
            !above.any(|(_, other)| is_within(breadcrumb, other))
        });
        let list: Vec<_> = outermost
            .map(|(root, breadcrumb)| format!("{}: {breadcrumb}", looks[*root].root.root))
            .collect();
        let problem = Problem::new(
            code::COMPONENT_AMBIGUOUS,
            format!("`{text}` means {} components", list.len()),
        );
        let hint = format!("name one of {}", names(list, SHOWN));
        return Err(Failure::wrong_use([problem.hint(hint)]));
    }
    Err(missing(looks, &all, text))
}

fn missing(looks: &[RootLook], all: &[(usize, &Breadcrumb)], text: &str) -> Failure {
    let Some(host) = looks.first().map(|look| &look.root.host) else {
        return Failure::wrong_use([Problem::new(
            code::UNKNOWN_COMPONENT,
            "the host has no components",
        )]);
    };
    let labels = all.iter().flat_map(|(_, breadcrumb)| parts(breadcrumb));
    let roots = looks.iter().map(|look| look.root.root.as_str());
    let known: BTreeSet<_> = labels.chain(roots.clone()).collect();
    let problem =
        Problem::new(code::NO_SUCH_COMPONENT, format!("host `{host}` has no component `{text}`"));
    let hint = match nearest(text, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}; `show` without it lists all below them", names(roots, SHOWN)),
    };
    Failure::wrong_use([problem.hint(hint)])
}

/// What a component is called by: its label, its type and key, and the last part of a path.
fn parts(breadcrumb: &Breadcrumb) -> impl Iterator<Item = &str> {
    let label = breadcrumb.label();
    let (type_name, key) = label.split_once("(\"").unwrap_or((label, ""));
    let key = key.strip_suffix("\")").unwrap_or(key);
    let last = key.rsplit('/').next().unwrap_or(key);
    [label, type_name, key, last].into_iter().filter(|part| !part.is_empty())
}
