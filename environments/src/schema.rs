//! The JSON Schema of an environment, by which editors complete and check the file.
//!
//! It is of draft 7, which all editors read, and refers to nothing: some ignore what stands beside a
//! `$ref`. It says nothing of what depends on other files (`extends`, secrets): all that it refuses is
//! wrong, and the loader refuses more.

use serde_json::{Map, Value, json};
use togusa_core::attributes::{AttributeSchema, Shape};
use togusa_core::registry::{ComponentType, Registry};

use crate::keys::{Form, Key, Section};

/// How deep tables in attributes are described: a type may hold itself.
const DEEPEST: usize = 6;

const IPV4: &str = "((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\\.){3}\
                    (25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const IPV6: &str = "[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*";
/// A name that cannot be taken for an address, nor for an option of a command.
const NAME: &str = "([0-9.]*[^\\s/@\\[\\]:0-9.-]|[0-9.]+-)[^\\s/@\\[\\]:]*";
const DURATION: &str = "^[0-9]+\\s*(ms|s|m|h|d)\\s*$";
const TIMEOUT: &str = "^0*[1-9][0-9]*\\s*(ms|s|m|h|d)\\s*$";
/// A name of a host, in which brackets are a range.
const HOST_NAME: &str =
    "^([^\\s!-/:-@\\[-^`{-~]|\\[[0-9, -]+\\])([^\\s!-,/:-@\\[-^`{-~]|\\[[0-9, -]+\\])*$";
const SHARE: &str = "^([1-9][0-9]?|100)%$";
const COMPONENT: &str = "^!?[^\\s:!]+(:[^\\s:]+)*$";

/// The schema of `environment.toml`; with the components of a project, whose attributes it knows
/// then.
pub fn environment(components: Option<&Registry>) -> Value {
    let mut schema = section(Section::Top, components);
    schema.insert("$schema".into(), "http://json-schema.org/draft-07/schema#".into());
    schema.insert("title".into(), "togusa environment".into());
    schema.insert(
        "description".into(),
        "Which components are deployed to which hosts: `environments/NAME/environment.toml`."
            .into(),
    );
    schema.into()
}

fn section(section: Section, components: Option<&Registry>) -> Map<String, Value> {
    let keys = section.keys().map(|key| (key.name.to_owned(), described(key, components).into()));
    object([
        ("type", "object".into()),
        ("properties", Value::Object(keys.collect())),
        ("additionalProperties", false.into()),
    ])
}

fn described(key: &Key, components: Option<&Registry>) -> Map<String, Value> {
    let mut schema = form(key.form, components);
    let default = match key.default {
        "" | "none" => String::new(),
        default => format!("\n\nDefault: {default}."),
    };
    let mut doc = key.doc.chars();
    let doc = doc.next().into_iter().flat_map(char::to_uppercase).chain(doc).collect::<String>();
    schema.insert("description".into(), format!("{doc}.{default}").into());
    // What is a literal can also be offered.
    let literal = key.default.strip_prefix('`').and_then(|default| default.strip_suffix('`'));
    if let Some(literal) = literal.and_then(|literal| serde_json::from_str::<Value>(literal).ok()) {
        schema.insert("default".into(), literal);
    }
    schema
}

fn form(form: Form, components: Option<&Registry>) -> Map<String, Value> {
    let text = |pattern: &str| object([("type", "string".into()), ("pattern", pattern.into())]);
    let integer = |least: u8| object([("type", "integer".into()), ("minimum", least.into())]);
    let number = |most: Option<u16>| {
        let mut number = integer(1);
        number.extend(most.map(|most| ("maximum".to_owned(), most.into())));
        number
    };
    match form {
        Form::Boolean => object([("type", "boolean".into())]),
        Form::Connect => object([("enum", json!(["ssh", "local"]))]),
        Form::Family => object([("enum", json!([true, false, "optional"]))]),
        Form::Word => text("^[^\\s-]\\S*$"),
        Form::File => text("\\S"),
        Form::Directory => text("^(/|~/|~$)"),
        Form::Duration => text(DURATION),
        Form::Timeout => text(TIMEOUT),
        Form::Address => text(&format!("^({IPV4}|{IPV6}(%\\S*)?|{NAME})$")),
        Form::EnvironmentName => text("^[^\\s!-/:-@\\[-^`{-~][^\\s!-,/:-@\\[-^`{-~]*$"),
        Form::Count => number(None),
        Form::Port => number(Some(u16::MAX)),
        Form::FreeTable => object([("type", "object".into())]),
        Form::EnvironmentTable => section(Section::Environment, components),
        Form::Hosts => object([
            ("type", "object".into()),
            ("propertyNames", json!({ "pattern": HOST_NAME })),
            ("additionalProperties", section(Section::Host, components).into()),
        ]),
        Form::Components => object([
            ("type", "array".into()),
            ("items", named(components)),
            ("uniqueItems", true.into()),
        ]),
        Form::ComponentTables => tables(components),
        Form::Canary => object([("enum", json!(["canary"]))]),
        Form::Amount => object([("anyOf", json!([integer(0), text(SHARE)]))]),
        Form::Batch => {
            let size = json!([integer(1), text(SHARE)]);
            let sizes = json!({ "type": "array", "items": { "anyOf": size }, "minItems": 1 });
            object([("anyOf", json!([integer(1), text(SHARE), sizes]))])
        }
        Form::Rollouts => rollouts(components),
        Form::Addresses => addresses(components),
    }
}

/// Rollouts by component.
fn rollouts(components: Option<&Registry>) -> Map<String, Value> {
    let mut rollout = section(Section::Rollout, components);
    let once = json!({ "properties": { "once": { "const": true } }, "required": ["once"] });
    rollout.insert("if".into(), once);
    rollout.insert("then".into(), json!({ "maxProperties": 1 }));
    let mut schema = object([("type", "object".into()), ("additionalProperties", rollout.into())]);
    if let Some(registry) = components {
        let names = registry.iter().map(|(name, _)| name.as_str());
        schema.insert("propertyNames".into(), json!({ "enum": names.collect::<Vec<_>>() }));
    }
    schema
}

/// `[addresses]`: its keys, and any name beside them.
fn addresses(components: Option<&Registry>) -> Map<String, Value> {
    let text = |pattern: &str| json!({ "type": "string", "pattern": format!("^{pattern}$") });
    let address = text(&format!("({IPV4}|{IPV6})"));
    let families = json!({
        "type": "object",
        "properties": { "v4": text(IPV4), "v6": text(IPV6) },
        "additionalProperties": false,
        "minProperties": 1,
    });
    let mut schema = section(Section::Addresses, components);
    schema.insert("propertyNames".into(), json!({ "minLength": 1 }));
    schema.insert(
        "additionalProperties".into(),
        json!({
            "description": "What the name resolves to.",
            "anyOf": [
                address,
                { "type": "array", "items": address, "minItems": 1, "maxItems": 2 },
                families,
            ],
        }),
    );
    schema
}

/// A component as a host names it.
fn named(components: Option<&Registry>) -> Value {
    let Some(registry) = components else {
        return json!({ "type": "string", "pattern": COMPONENT });
    };
    let known = registry.iter().map(|(name, component)| {
        let mut known = object([("const", name.as_str().into())]);
        known.insert("description".into(), of_type(component).into());
        Value::Object(known)
    });
    let others = registry.iter().map(|(name, component)| {
        let features = component.features().iter().map(|feature| escaped(feature));
        let features = features.collect::<Vec<_>>().join("|");
        let features = if features.is_empty() { features } else { format!("(:({features}))*") };
        format!("{}{features}", escaped(name.as_str()))
    });
    let others = format!("^!?({})$", others.collect::<Vec<_>>().join("|"));
    let mut choices: Vec<Value> = known.collect();
    choices.push(json!({ "type": "string", "pattern": others }));
    json!({ "anyOf": choices })
}

/// Attributes by component.
fn tables(components: Option<&Registry>) -> Map<String, Value> {
    let Some(registry) = components else {
        return object([
            ("type", "object".into()),
            ("additionalProperties", json!({ "type": "object" })),
        ]);
    };
    let tables = registry.iter().map(|(name, component)| {
        let mut table = fields(component.schema(), DEEPEST);
        table.insert("description".into(), of_type(component).into());
        (name.to_string(), table.into())
    });
    object([
        ("type", "object".into()),
        ("properties", Value::Object(tables.collect())),
        ("additionalProperties", false.into()),
    ])
}

fn of_type(component: &ComponentType) -> String {
    let quoted = |names: &[&str]| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let mut text = format!("The component `{}`.", component.type_name());
    if !component.features().is_empty() {
        text += &format!("\n\nFeatures: {}", quoted(component.features()));
        match component.default_features() {
            [] => text += ".",
            default => text += &format!("; by default {}.", quoted(default)),
        }
    }
    text
}

/// A table of attributes. None is required: another level, or a secret, may set it.
fn fields(attributes: Vec<AttributeSchema>, depth: usize) -> Map<String, Value> {
    let properties = attributes.into_iter().map(|attribute| {
        let mut schema = shape(&attribute.shape, depth);
        let doc = attribute.doc.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        let default = match &attribute.default {
            Some(default) => format!("{}, default `{default}`", attribute.type_name),
            None => format!("{}, required", attribute.type_name),
        };
        let doc = if doc.is_empty() { default } else { format!("{doc}\n\n{default}") };
        schema.insert("description".into(), doc.into());
        let literal = attribute.default.as_deref().map(serde_json::from_str::<Value>);
        // A default that is code is no literal, and stands in the description alone.
        if let Some(Ok(literal)) = literal {
            schema.insert("default".into(), literal);
        }
        (attribute.name.to_owned(), schema.into())
    });
    object([
        ("type", "object".into()),
        ("properties", Value::Object(properties.collect())),
        ("additionalProperties", false.into()),
    ])
}

fn shape(of: &Shape, depth: usize) -> Map<String, Value> {
    let kind = |name: &str| object([("type", name.into())]);
    match of {
        Shape::Any => Map::new(),
        Shape::Text | Shape::Secret => kind("string"),
        Shape::Boolean => kind("boolean"),
        Shape::Number => kind("number"),
        Shape::Duration => object([("type", "string".into()), ("pattern", DURATION.into())]),
        Shape::Integer(least, most) => {
            let mut number = kind("integer");
            // Bounds that TOML has itself would be rounded by readers of JSON.
            if *least != i64::MIN {
                number.insert("minimum".into(), (*least).into());
            }
            if *most != i64::MAX {
                number.insert("maximum".into(), (*most).into());
            }
            number
        }
        Shape::Choice(names) => object([("enum", json!(names))]),
        Shape::Array(of) => object([("type", "array".into()), ("items", shape(of, depth).into())]),
        Shape::Map(of) => {
            object([("type", "object".into()), ("additionalProperties", shape(of, depth).into())])
        }
        Shape::Table(_) if depth == 0 => kind("object"),
        Shape::Table(of) => fields((of.0)(), depth - 1),
    }
}

/// A text as a pattern that matches it alone.
fn escaped(text: &str) -> String {
    let special = |c: char| r"\.+*?()|[]{}^$-/".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use togusa_core::prelude::*;

    #[expect(dead_code, reason = "described, and never read")]
    #[derive(Debug, Attributes)]
    #[attributes(features("web", "c++"), default_features("web"))]
    struct App {
        /// Port to listen on.
        #[attribute(default = 8080)]
        port: u16,
        kind: Kind,
        #[attribute(default)]
        menu: Vec<Menu>,
        token: Option<Secret>,
    }

    impl Component for App {}

    #[derive(Clone, Copy, Debug, Attributes)]
    enum Kind {
        Blue,
        DarkGreen,
    }

    #[expect(dead_code, reason = "described, and never read")]
    #[derive(Debug, Attributes)]
    struct Menu {
        #[attribute(default)]
        entries: Vec<Menu>,
    }

    fn at<'a>(schema: &'a Value, pointer: &str) -> &'a Value {
        schema.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"))
    }

    #[test]
    fn attributes_have_types_docs_and_defaults() {
        let registry = Registry::new().with::<App>("my.app");
        let schema = environment(Some(&registry));
        for tables in ["/properties/components", HOST_ATTRIBUTES] {
            let app = at(&schema, &format!("{tables}/properties/my.app/properties"));
            let expected = json!({
                "type": "integer", "minimum": 0, "maximum": 65535, "default": 8080,
                "description": "Port to listen on.\n\ninteger, default `8080`",
            });
            assert_eq!(app["port"], expected);
            assert_eq!(app["kind"]["enum"], json!(["blue", "dark-green"]));
            assert_eq!(app["token"]["type"], "string");
        }
        assert_eq!(at(&schema, "/properties/components")["additionalProperties"], false);
    }

    const HOST_ATTRIBUTES: &str = "/properties/hosts/additionalProperties/properties/attributes";

    #[test]
    fn a_type_that_holds_itself_is_described_to_some_depth() {
        let registry = Registry::new().with::<App>("app");
        let schema = environment(Some(&registry)).to_string();
        assert!(schema.matches("\"entries\"").count() >= DEEPEST);
    }

    #[test]
    fn components_are_named_with_their_features() {
        let registry = Registry::new().with::<App>("my.app");
        let schema = environment(Some(&registry));
        let named = "/properties/hosts/additionalProperties/properties/components/items/anyOf";
        let named = at(&schema, named);
        assert_eq!(named[0]["const"], "my.app");
        assert_eq!(named[1]["pattern"], "^!?(my\\.app(:(web|c\\+\\+))*)$");
    }
}
