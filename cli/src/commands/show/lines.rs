//! A host and its roots as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use togusa_core::address::AddressTable;
use togusa_core::environment::Host;
use togusa_core::model::{Cause, ComponentLook, Order, PreviewContent, Provision, Requirement};
use togusa_core::names::Breadcrumb;
use togusa_core::secret::MASK;

use super::attributes::{Attribute, From, Place};
use super::{File, Shown, converges_as, reached};
use crate::chart::of_roots;
use crate::commands::explain_order::branches;
use crate::text::{columns, harmless, size};
use crate::ui::{Ink, Paint};

/// A value that is longer stands on lines of its own.
const LONGEST: usize = 100;

/// How a host is told.
pub(super) struct Lines<'a> {
    pub(super) paint: Paint,
    /// Whether all fields of all components are told.
    pub(super) fields: bool,
    pub(super) addresses: &'a AddressTable,
    pub(super) host: &'a Host,
}

impl Lines<'_> {
    pub(super) fn all(&self, host: Option<&Host>, roots: &[Shown]) -> String {
        let mut parts = Vec::new();
        parts.extend(host.map(|host| self.of_host(host)));
        parts.extend(roots.iter().map(|root| self.of_root(root)));
        harmless(&parts.join("\n")).into_owned()
    }

    fn of_host(&self, host: &Host) -> String {
        let ignored = if host.ignore { "  (skipped)" } else { "" };
        let name = self.paint.text(Ink::Name, host.name.as_str());
        let mut text = format!("{name}{ignored}{}\n", self.faint(&place_of(host)));
        let converges = converges_as(host)
            .map_or_else(|| "whoever deploys".to_owned(), |user| format!("{user}, by sudo"));
        let mut rows =
            vec![["  reached".to_owned(), reached(host)], ["  converges as".to_owned(), converges]];
        let platform = host.platform.clone().unwrap_or_else(|| "none named".to_owned());
        rows.push(["  platform".to_owned(), platform]);
        rows.push(["  target".to_owned(), host.target_directory.clone()]);
        if let Some(sandbox) = &host.sandbox {
            rows.push(["  sandbox".to_owned(), format!("{sandbox}: absolute paths lie below it")]);
        }
        for (name, entry) in &host.data.0 {
            let origin = entry.value.origin.as_ref();
            let place = origin.map(|origin| format!("  ({}:{})", origin.file, origin.line));
            let value = entry.value.to_json();
            rows.push([format!("  data.{name}"), format!("{value}{}", place.unwrap_or_default())]);
        }
        text += &columns(&rows);
        text
    }

    fn of_root(&self, root: &Shown) -> String {
        let Shown { type_name, layer, layers, features, attributes, look, files } = root;
        let skipped = if look.ignored { "  (skipped)" } else { "" };
        let name = self.paint.text(Ink::Name, &look.root.to_string());
        let mut text = format!("{name}  {type_name}, layer {layer} of {layers}{skipped}\n");
        let _ = writeln!(text, "  work directory  {}", look.work_directory);
        if !features.is_empty() {
            let _ = writeln!(text, "  features        {}", features.join(", "));
        }
        if !attributes.is_empty() {
            text += "  attributes\n";
            let rows: Vec<_> = attributes.iter().map(|one| self.of_attribute(one)).collect();
            text += &columns(&rows);
        }
        if !look.requires.is_empty() {
            text += "  requires\n";
            let rows: Vec<_> = look.requires.iter().map(of_requirement).collect();
            text += &columns(&rows);
        }
        if !look.provides.is_empty() {
            text += "  provides\n";
            look.provides.iter().for_each(|provided| text += &of_provision(provided));
        }
        text += "  components\n";
        self.tree(&look.components, &look.work_directory, &mut text);
        for file in files {
            text += &self.of_file(file, &look.components);
        }
        text
    }

    fn of_attribute(&self, attribute: &Attribute) -> [String; 3] {
        let Attribute { name, value, from, over, .. } = attribute;
        let over = over.first().filter(|over| !over.value.is_null()).map(|over| match &over.from {
            From::Default => format!(", over the default {}", over.value),
            from => format!(", over {} of {}", over.value, self.place(from)),
        });
        let told = format!("{}{}", self.place(from), over.unwrap_or_default());
        [format!("    {name}"), shown(value), self.faint(&told)]
    }

    fn place(&self, from: &From) -> String {
        let (Place { environment, base, secret, file, line }, of) = match from {
            From::Default => return "default".to_owned(),
            From::Environment(place) => (place, String::new()),
            From::Host(place) => (place, format!("host {} in ", self.host.name)),
        };
        let secret = if *secret { "secret of " } else { "" };
        let kind = if *base { "base environment" } else { "environment" };
        format!("{secret}{of}{kind} {environment} ({file}:{line})")
    }

    /// The components; paths in the work directory are relative to it.
    fn tree(&self, components: &[ComponentLook], work_directory: &str, text: &mut String) {
        let mut below: Vec<&str> = Vec::new();
        for (number, component) in components.iter().enumerate() {
            let depth = component.depth;
            below.truncate(depth.saturating_sub(1));
            let later = components[number + 1..].iter();
            let fellow =
                later.take_while(|other| other.depth >= depth).any(|other| other.depth == depth);
            let (branch, rest) = branches(usize::from(!fellow), 2);
            let indent = below.concat();
            let branch = if depth == 0 { "" } else { branch };
            let manages = component.manages.iter().map(|one| {
                let inside = one.name.strip_prefix(work_directory);
                let inside = inside.and_then(|rest| rest.strip_prefix('/'));
                format!("{} {}", one.kind, inside.unwrap_or(&one.name))
            });
            let manages: Vec<_> = manages.collect();
            let label = component.breadcrumb.label();
            let manages = if manages.is_empty() {
                String::new()
            } else {
                self.faint(&format!("  {}", manages.join(", ")))
            };
            let _ = writeln!(text, "    {indent}{branch}{label}{manages}");
            if depth > 0 {
                below.push(rest);
            }
            let has_children = components.get(number + 1).is_some_and(|next| next.depth > depth);
            let bar = if has_children { "│ " } else { "  " };
            for note in self.notes(component) {
                let _ = writeln!(text, "    {}{bar}{}", below.concat(), self.faint(&note));
            }
        }
    }

    /// What else there is to say of a component.
    fn notes(&self, component: &ComponentLook) -> Vec<String> {
        let mut notes = Vec::new();
        let causes = |causes: &[Cause]| {
            let told = causes.iter().map(|cause| near(cause, &component.breadcrumb));
            told.collect::<Vec<_>>().join(", ")
        };
        if !component.updated_for.is_empty() {
            notes.push(format!("updated when changed: {}", causes(&component.updated_for)));
        }
        // Its counterpart tells the rest.
        let elsewhere = component.triggers.iter().filter(|cause| cause.root.is_some());
        let mut by_breadcrumb = BTreeMap::<_, Vec<_>>::new();
        for cause in elsewhere {
            by_breadcrumb.entry(&cause.breadcrumb).or_default().extend(&cause.root);
        }
        for (breadcrumb, roots) in by_breadcrumb {
            notes.push(format!(
                "its change updates: {breadcrumb} of {}",
                of_roots(roots).join(", ")
            ));
        }
        for listens in &component.listens {
            let name = listens.rsplit_once(':').map_or(listens.as_str(), |(name, _)| name);
            let resolved = self.addresses.get(name).map(|resolved| {
                let ips = resolved.with_port(0);
                let ips: Vec<_> = ips.iter().map(|address| address.ip().to_string()).collect();
                format!(", which is {}", ips.join(" and "))
            });
            notes.push(format!("listens on {listens}{}", resolved.unwrap_or_default()));
        }
        notes.extend(component.logs.iter().map(|log| format!("says: {log}")));
        if self.fields {
            notes.push(component.fields.clone());
        }
        notes
    }

    fn of_file(&self, file: &File, components: &[ComponentLook]) -> String {
        let File { breadcrumb, preview } = file;
        let component = components.iter().find(|component| component.breadcrumb == *breadcrumb);
        let managed = component.and_then(|component| component.manages.first());
        let name = managed.map_or(breadcrumb.label(), |managed| &managed.name);
        let source = preview.source.as_ref().map(|source| format!("  from {source}"));
        let name = self.paint.text(Ink::Name, name);
        let mut text = format!("\n  {name}{}\n", self.faint(&source.unwrap_or_default()));
        match &preview.content {
            PreviewContent::Text(content) if content.is_empty() => text += "    (empty)\n",
            PreviewContent::Text(content) => {
                for line in content.lines() {
                    text += format!("    │ {line}").trim_end();
                    text.push('\n');
                }
                if !content.ends_with('\n') {
                    text += "    (no end of line at the end)\n";
                }
            }
            PreviewContent::Binary { size: bytes, digest } => {
                let _ =
                    writeln!(text, "    (no text: {}, sha256 {})", size(*bytes), digest.short());
            }
            PreviewContent::Hidden => text += "    (not shown: it must not be seen)\n",
        }
        if !preview.assumed_facts.is_empty() {
            let facts = preview.assumed_facts.iter();
            let facts: Vec<_> =
                facts.map(|(name, value)| format!("`{value}` for {name}")).collect();
            let facts = facts.join(", ");
            let _ = writeln!(text, "    only the host knows its facts; placeholders are {facts}");
        }
        if preview.unresolved {
            text +=
                "    addresses are not resolved here, 0.0.0.0 stands for them; `--resolve` asks\n";
        }
        if preview.homes {
            text += "    `~` is the home of the user on the host\n";
        }
        text
    }

    fn faint(&self, text: &str) -> String {
        self.paint.text(Ink::Faint, text)
    }
}

fn place_of(host: &Host) -> String {
    let origin = host.origin.as_ref();
    origin.map(|origin| format!("  ({}:{})", origin.file, origin.line)).unwrap_or_default()
}

fn of_requirement(requirement: &Requirement) -> [String; 3] {
    let Requirement { breadcrumb, resource, on, order, optional, providers } = requirement;
    let from = match providers.is_empty() {
        true => "from nobody".to_owned(),
        false => {
            let roots = of_roots(providers.iter().map(|provider| &provider.root));
            format!("from {}", roots.join(", "))
        }
    };
    let mut marks = vec![format!("by `{breadcrumb}`")];
    marks.extend(on.as_ref().map(|host| format!("on {host} alone")));
    marks.extend(optional.then(|| "optional".to_owned()));
    marks.extend(match order {
        Order::ProviderFirst => None,
        Order::Reversed => Some("reversed: it waits for this".to_owned()),
        Order::Unordered => Some("unordered".to_owned()),
    });
    [format!("    {resource}"), from, marks.join(", ")]
}

fn of_provision(provision: &Provision) -> String {
    let Provision { breadcrumb, resource, value, required_by } = provision;
    let to = match required_by.is_empty() {
        true => "to nobody".to_owned(),
        false => format!("to {}", of_roots(required_by).join(", ")),
    };
    let mut text = format!("    {resource}  {to}, by `{breadcrumb}`\n");
    let one_line = value.to_string();
    if one_line.chars().count() <= LONGEST {
        let _ = writeln!(text, "      {one_line}");
    } else {
        for line in pretty(value).lines() {
            let _ = writeln!(text, "      {line}");
        }
    }
    text
}

/// A value of an attribute.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if text == MASK => text.clone(),
        other => other.to_string(),
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

/// A component at the other end of a trigger: by its label, if the two are siblings.
fn near(cause: &Cause, of: &Breadcrumb) -> String {
    let parent = |breadcrumb: &Breadcrumb| {
        breadcrumb.as_str().strip_suffix(breadcrumb.label()).unwrap_or_default().to_owned()
    };
    match &cause.root {
        Some(root) => format!("{} of {root}", cause.breadcrumb),
        None if parent(&cause.breadcrumb) == parent(of) => cause.breadcrumb.label().to_owned(),
        None => cause.breadcrumb.to_string(),
    }
}
