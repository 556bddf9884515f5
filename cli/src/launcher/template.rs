//! The files that are written. They lie in `template/`, with `@word@` for what differs.

/// A file: its path, and the text with its words.
type Template = (&'static str, &'static str);

/// A project, without its component.
const PROJECT: &[Template] = &[
    ("Cargo.toml", include_str!("template/project/Cargo.toml.in")),
    ("src/main.rs", include_str!("template/project/main.rs.in")),
    ("environments/dev/environment.toml", include_str!("template/project/environment.toml.in")),
    ("README.md", include_str!("template/project/README.md.in")),
    ("clippy.toml", include_str!("template/project/clippy.toml.in")),
    (".gitignore", include_str!("template/project/gitignore.in")),
    (".github/workflows/check.yml", include_str!("template/project/check.yml.in")),
];

/// A crate with a component.
const COMPONENT: &[Template] = &[
    ("Cargo.toml", include_str!("template/component/Cargo.toml.in")),
    ("src/lib.rs", include_str!("template/component/lib.rs.in")),
    ("src/tests.rs", include_str!("template/component/tests.rs.in")),
    ("src/@component@.conf.j2", include_str!("template/component/template.conf.j2.in")),
];

/// A file to be written: its path below the project, and its text.
pub type File = (String, String);

/// What stands for the words.
type Words<'a> = &'a [(&'a str, &'a str)];

/// The files of a new project, but for its component.
pub fn project(words: Words<'_>) -> Vec<File> {
    filled(PROJECT, "", words)
}

/// The files of a component in the crate `package`.
pub fn component(name: &str, package: &str) -> Vec<File> {
    let type_ = super::names::type_of(name);
    let words = [("component", name), ("Type", type_.as_str()), ("package", package)];
    filled(COMPONENT, &format!("components/{name}/"), &words)
}

/// Whether the source of a component names this type, so that its own cannot be called so.
pub fn uses(type_: &str) -> bool {
    let sources = COMPONENT.iter().filter(|(path, _)| path.ends_with(".rs"));
    let lines = sources.flat_map(|(_, text)| text.lines());
    let code = lines.filter(|line| !line.trim_start().starts_with("//"));
    let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '@');
    code.flat_map(|line| line.split(|c| !is_inside(c))).any(|word| word == type_)
}

fn filled(templates: &[Template], below: &str, words: Words<'_>) -> Vec<File> {
    let fill = |text: &str| {
        let fill =
            |text: String, (word, value): &(&str, &str)| text.replace(&format!("@{word}@"), value);
        words.iter().fold(text.to_owned(), fill)
    };
    templates.iter().map(|(path, text)| (below.to_owned() + &fill(path), fill(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_the_source_of_a_component_names_are_known() {
        for name in ["Component", "File", "Scope", "Result", "String", "Harness", "Registry"] {
            assert!(uses(name), "{name}");
        }
        for name in ["App", "Type", "Port", "What", "Service"] {
            assert!(!uses(name), "{name}");
        }
    }

    #[test]
    fn every_word_is_filled_in() {
        let words = [("project", "p"), ("crate", "p"), ("togusa", "\"1\""), ("source", "s")];
        for (path, text) in project(&words).into_iter().chain(component("a-b", "p-a-b")) {
            let left = text
                .split('@')
                .skip(1)
                .step_by(2)
                .find(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic()));
            assert_eq!((left, path.contains('@')), (None, false), "{path}");
            assert!(text.ends_with('\n'), "{path}");
        }
    }
}
