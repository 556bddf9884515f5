//! The registry: which components an environment can name as roots.

use std::collections::BTreeMap;
use std::fmt;

use crate::attributes::{AttributeSchema, Attributes, Reader, SourceLocation};
use crate::component::Component;
use crate::environment::{Environment, Root};
use crate::model::draft::Draft;
use crate::names::{HostName, RootName, nearest};
use crate::problem::{Problem, code};
use crate::scope::{self, Site};
use crate::value::{Origin, Table};

/// The components that environments can name, each under its name.
///
/// ```
/// use togusa_core::prelude::*;
///
/// #[derive(Debug, Attributes)]
/// struct App {
///     #[attribute(default = 8080)]
///     port: u16,
/// }
/// impl Component for App {}
///
/// let registry = Registry::new().with::<App>("app");
/// assert_eq!(registry.get("app").unwrap().schema()[0].name, "port");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    types: BTreeMap<RootName, ComponentType>,
    duplicates: Vec<RootName>,
}

/// A component that an environment can name.
#[derive(Clone)]
pub struct ComponentType {
    type_name: &'static str,
    schema: fn() -> Vec<AttributeSchema>,
    features: &'static [&'static str],
    default_features: &'static [&'static str],
    source: SourceLocation,
    check: fn(&Table, Option<Origin>) -> Vec<Problem>,
    plant: fn(&Site<'_>) -> Result<Draft, Vec<Problem>>,
}

impl Registry {
    /// A registry without components.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a component under the name by which environments call it.
    #[must_use]
    pub fn with<C: Component + Attributes>(mut self, name: impl Into<RootName>) -> Self {
        let name = name.into();
        let component = ComponentType {
            type_name: crate::resource::short_type_name(std::any::type_name::<C>()),
            schema: C::schema,
            features: C::features(),
            default_features: C::default_features(),
            source: C::source(),
            check: check::<C>,
            plant: plant::<C>,
        };
        if self.types.insert(name.clone(), component).is_some() {
            self.duplicates.push(name);
        }
        self
    }

    /// The component under a name.
    pub fn get(&self, name: &str) -> Option<&ComponentType> {
        self.types.get(name)
    }

    /// All components by name.
    pub fn iter(&self) -> impl Iterator<Item = (&RootName, &ComponentType)> {
        self.types.iter()
    }

    /// Everything that an environment says of components and that the registry does not bear out:
    /// unknown components, features and attributes, wrong types, missing attributes.
    pub fn check(&self, environment: &Environment) -> Vec<Problem> {
        let twice = self.duplicates.iter().map(|name| {
            Problem::new(code::REGISTERED_TWICE, format!("component `{name}` is registered twice"))
                .hint("give each component of the registry a name of its own")
        });
        let hosts = environment.hosts.values();
        let roots = hosts.flat_map(|host| host.roots.iter().map(|root| (&host.name, root)));
        twice.chain(roots.flat_map(|(host, root)| self.check_root(host, root))).collect()
    }

    fn check_root(&self, host: &HostName, root: &Root) -> Vec<Problem> {
        let Some(component) = self.get(root.name.as_str()) else {
            let known: Vec<_> = self.types.keys().map(RootName::as_str).collect();
            let hint = match nearest(root.name.as_str(), known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "the registry has no components".to_owned(),
                None => format!(
                    "the registry has `{}`; a new one is added in the program: \
                     `.with::<TYPE>(\"{}\")`",
                    known.join("`, `"),
                    root.name
                ),
            };
            let message = format!("unknown component `{}`", root.name);
            return vec![
                Problem::new(code::UNKNOWN_COMPONENT, message)
                    .at(root.origin.clone())
                    .hint(hint)
                    .on(host),
            ];
        };
        let unknown = root.features.iter().filter(|name| !component.features.contains(&&***name));
        let unknown = unknown.map(|feature| {
            let hint = match nearest(feature, component.features.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if component.features.is_empty() => "the component has no features".to_owned(),
                None => format!("it has `{}`", component.features.join("`, `")),
            };
            Problem::new(
                code::UNKNOWN_FEATURE,
                format!("component `{}` has no feature `{feature}`", root.name),
            )
            .at(root.origin.clone())
            .hint(hint)
            .on(host)
        });
        let attributes = (component.check)(&root.attributes, root.origin.clone());
        let attributes = attributes.into_iter().map(|mut problem| {
            problem.message = format!("component `{}`: {}", root.name, problem.message);
            problem.on(host)
        });
        unknown.chain(attributes).collect()
    }
}

impl ComponentType {
    /// The name of the Rust type, without its modules.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// The attributes that an environment can set.
    pub fn schema(&self) -> Vec<AttributeSchema> {
        (self.schema)()
    }

    /// The features that an environment can ask for.
    pub fn features(&self) -> &'static [&'static str] {
        self.features
    }

    /// The features that hold when an environment asks for none.
    pub fn default_features(&self) -> &'static [&'static str] {
        self.default_features
    }

    /// Where the component's source lies.
    pub fn source(&self) -> SourceLocation {
        self.source
    }

    /// Configures a root of this component.
    pub(crate) fn plant(&self, site: &Site<'_>) -> Result<Draft, Vec<Problem>> {
        (self.plant)(site)
    }
}

impl fmt::Debug for ComponentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComponentType({})", self.type_name)
    }
}

fn check<C: Attributes>(table: &Table, place: Option<Origin>) -> Vec<Problem> {
    let mut reader = Reader::new(table, place);
    // What matters here is what the reader has to say; the component is built when configuring.
    let _ = C::read(&mut reader);
    reader.finish()
}

fn plant<C: Component + Attributes>(site: &Site<'_>) -> Result<Draft, Vec<Problem>> {
    let mut reader = Reader::new(&site.root.attributes, site.root.origin.clone());
    match C::read(&mut reader) {
        Some(component) => Ok(scope::configure_root(component, site)),
        None => Err(reader.finish()),
    }
}
