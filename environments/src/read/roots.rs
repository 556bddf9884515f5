//! The components that a host names: `"name"`, `"name:feature:feature"`, `"!name"`.

use std::collections::BTreeMap;

use togusa_core::attributes::{FromValue, Reader};
use togusa_core::environment::Root;
use togusa_core::problem::{Problem, code};
use togusa_core::value::{Origin, Table, Value};

/// One component as a host names it.
pub(crate) struct Named(Root);

impl FromValue for Named {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let text = String::from_value(value, reader)?;
        let (ignore, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let mut words = rest.split(':');
        let name = words.next().unwrap_or_default();
        let features: Vec<String> = words.map(str::to_owned).collect();
        let blank = |word: &str| word.contains(|c: char| c.is_whitespace() || c.is_control());
        if name.is_empty() {
            reader.refuse(value, format!("{text:?} names no component"));
            return None;
        }
        if blank(rest) || name.contains('!') {
            reader.refuse(value, format!("{text:?} is not of the form `name:feature`"));
            return None;
        }
        if features.iter().any(String::is_empty) {
            reader.refuse(value, format!("{text:?} names an empty feature"));
            return None;
        }
        let repeated =
            features.iter().enumerate().find(|(index, name)| features[..*index].contains(name));
        if let Some((_, feature)) = repeated {
            reader.refuse(value, format!("feature `{feature}` is named twice"));
            return None;
        }
        Some(Self(Root {
            name: name.into(),
            features,
            ignore,
            attributes: Table::default(),
            origin: value.origin.clone(),
        }))
    }

    fn type_name() -> String {
        "component".into()
    }
}

/// The roots of a host, without attributes; a component that is named again is reported.
pub(crate) fn once_each(named: Vec<Named>, problems: &mut Vec<Problem>) -> Vec<Root> {
    let mut seen = BTreeMap::<String, Option<Origin>>::new();
    let mut roots = Vec::new();
    for Named(root) in named {
        let Some(first) = seen.get(root.name.as_str()) else {
            seen.insert(root.name.to_string(), root.origin.clone());
            roots.push(root);
            continue;
        };
        let first = first.as_ref().map(|place| format!(", first at {place}")).unwrap_or_default();
        let message = format!("component `{}` is named twice{first}", root.name);
        problems.push(Problem::new(code::COMPONENT_TWICE, message).at(root.origin));
    }
    roots
}

#[cfg(test)]
mod tests {
    use crate::tests::check;

    fn host(components: &str) -> String {
        check(&format!("[hosts.a]\ncomponents = [{components}]"))
    }

    #[test]
    fn a_component_takes_features_and_can_be_ignored() {
        assert_eq!(host("'app', '!db', 'web:a:b', '!x:y'"), "a app !db web:a:b !x:y");
    }

    #[test]
    fn a_root_points_to_the_element_that_names_it() {
        let text = "[hosts.a]\ncomponents = ['app',\n  'db']";
        let environment = crate::from_str("shop", "dev", text).unwrap();
        let origin = environment.hosts["a"].roots[1].origin.as_ref().unwrap();
        assert_eq!((origin.line, origin.column), (3, 3));
    }

    #[test]
    fn a_component_that_is_named_twice_is_told_with_both_places() {
        assert_eq!(
            host("'app', 'db', '!app:x'"),
            "2:28: component `app` is named twice, first at dev:2:15"
        );
    }

    #[test]
    fn every_malformed_component_is_told() {
        assert_eq!(
            host("'', '!', ':x', 'a:', 'a::b', 'a:b:b', 'a b', '!!a', 3"),
            "2:15: key `components.0`: \"\" names no component\n\
             2:19: key `components.1`: \"!\" names no component\n\
             2:24: key `components.2`: \":x\" names no component\n\
             2:30: key `components.3`: \"a:\" names an empty feature\n\
             2:36: key `components.4`: \"a::b\" names an empty feature\n\
             2:44: key `components.5`: feature `b` is named twice\n\
             2:53: key `components.6`: \"a b\" is not of the form `name:feature`\n\
             2:60: key `components.7`: \"!!a\" is not of the form `name:feature`\n\
             2:67: key `components.8`: expected a string, found an integer (3)"
        );
    }
}
