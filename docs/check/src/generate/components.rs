//! The pages about the components of the library, from its source.

mod markdown;
mod source;

use anyhow::bail;

use super::Generated;
use super::sections::Text;
use markdown::Pages;
use source::{Group, Kind, Method};

/// The pages of the groups, and the overview of all.
pub(super) fn pages() -> anyhow::Result<Vec<Generated>> {
    let groups = source::groups()?;
    let wrong: Vec<_> = groups.iter().flat_map(|group| &group.kinds).flat_map(lacking).collect();
    if !wrong.is_empty() {
        bail!("the components lack what their pages need:\n{}", wrong.join("\n"));
    }
    let links = Pages::of(&groups);
    let mut pages: Vec<_> = groups.iter().map(|group| page(group, &links)).collect();
    let mut overview = Text::read("docs/src/reference/components.md")?;
    overview.fill("components", &table(&groups))?;
    pages.push(overview.into());
    Ok(pages)
}

/// What the documentation of a component does not say.
fn lacking(kind: &Kind) -> Vec<String> {
    let place = format!("{}: `{}`", kind.path, kind.name);
    let mut wrong = Vec::new();
    if kind.needs().is_none() {
        wrong.push(format!("{place} has no paragraph `**Needs**: …` before its example"));
    }
    if !kind.doc.contains("\n```") {
        wrong.push(format!("{place} has no example"));
    }
    if !kind.doc.contains("absent") && kind.methods.iter().all(|method| method.name != "absent") {
        wrong.push(format!("{place} neither can be `absent` nor says why not"));
    }
    let undocumented = kind.methods.iter().filter(|method| method.doc.is_empty());
    wrong.extend(
        undocumented.map(|method| format!("{place}: `{}` has no documentation", method.name)),
    );
    wrong
}

fn page(group: &Group, links: &Pages) -> Generated {
    let mut text = format!("# {}\n\n{}\n\n", group.title, links.document(&group.doc, 1));
    if let Some(feature) = &group.feature {
        text += &format!(
            "The cargo feature `{feature}` switches these on; it is one of the defaults.\n\n"
        );
    }
    for kind in &group.kinds {
        text += &section(kind, links);
    }
    let name = group.feature.as_deref().unwrap_or("files");
    Generated::new(
        format!("docs/src/reference/components/{name}.md"),
        format!("{}\n", text.trim_end()),
    )
}

fn section(kind: &Kind, links: &Pages) -> String {
    let mut text = format!("## {}\n\n{}\n\n", kind.name, links.document(&kind.doc, 2));
    let (made, rest): (Vec<_>, Vec<_>) = kind.methods.iter().partition(|method| method.is_new());
    let (told, set): (Vec<_>, Vec<_>) = rest.into_iter().partition(|method| !method.is_builder());
    let mut list = |title: &str, methods: &[&Method]| {
        if methods.is_empty() {
            return;
        }
        let rows = methods.iter().map(|method| {
            let call = method.call(&kind.name).replace('|', "\\|");
            format!("| `{call}` | {} |\n", links.line(&method.doc))
        });
        text += &format!("| {title} | |\n|---|---|\n{}\n", rows.collect::<String>());
    };
    list("made by", &made);
    list("set by", &set);
    list("tells", &told);
    if !kind.derives.is_empty() {
        text += &format!("It derives `{}`.\n\n", kind.derives.join("`, `"));
    }
    text
}

fn table(groups: &[Group]) -> String {
    let mut text =
        "| group | component | what it looks after | needs |\n|---|---|---|---|\n".to_owned();
    for group in groups {
        let page = group.feature.as_deref().unwrap_or("files");
        let mut first = match &group.feature {
            Some(feature) => format!("[`{feature}`](components/{page}.md)"),
            None => format!("[always there](components/{page}.md)"),
        };
        for kind in &group.kinds {
            let Kind { name, .. } = kind;
            let anchor = name.to_lowercase();
            let about = markdown::plain(kind.doc.split("\n\n").next().unwrap_or_default());
            let needs = kind.needs().unwrap_or_default();
            text += &format!(
                "| {first} | [`{name}`](components/{page}.md#{anchor}) | {} | {} |\n",
                clause(&about),
                clause(&needs)
            );
            first.clear();
        }
    }
    text
}

/// A sentence as a part of a table.
fn clause(sentence: &str) -> String {
    let sentence = sentence.trim().trim_end_matches(['.', ':']);
    let mut letters = sentence.chars();
    let second = letters.clone().nth(1).is_some_and(char::is_uppercase);
    match letters.next() {
        Some(first) if !second => format!("{}{}", first.to_lowercase(), letters.as_str()),
        _ => sentence.to_owned(),
    }
}
