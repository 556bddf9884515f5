//! Core's plain data imports no module that works.

use super::workspace::{Finding, Source};

/// The modules that are plain, serializable data.
const PLAIN: [&str; 6] = ["event", "names", "problem", "protocol", "value", "verdict"];

/// The modules that work with a model or a host.
const WORKING: [&str; 9] =
    ["component", "engine", "host", "interrupt", "model", "panics", "registry", "scope", "testing"];

/// What the protocol carries of the model: the wire form of its answers.
const WIRE: &str = "crate::model::answers::ProvidedWire";

const REMEDY: &str = "turn it into data of its own, and convert in the module that works";

/// Finds imports of working modules in plain ones.
pub fn check(source: &Source) -> Vec<Finding> {
    let Some(module) = source.path.strip_prefix("core/src/") else { return Vec::new() };
    let module = module.trim_end_matches(".rs").split('/').next().unwrap_or_default();
    if !source.is_rust() || !PLAIN.contains(&module) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in source.lines() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        if line.contains("crate::{") {
            let remedy = "write one `use` for each module, so that this test can read it";
            findings.push(source.finding(number, "modules are imported together", remedy));
        }
        let line = if module == "protocol" { line.replace(WIRE, "") } else { line.to_owned() };
        for import in line.split("crate::").skip(1) {
            let end = import.find(|c: char| !c.is_alphanumeric() && c != '_');
            let other = &import[..end.unwrap_or(import.len())];
            if WORKING.contains(&other) {
                let wrong = format!("`{module}` is plain data but imports `{other}`");
                findings.push(source.finding(number, wrong, REMEDY));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let source = Source { path: path.into(), text: text.into() };
        check(&source).into_iter().map(|finding| (finding.line, finding.wrong)).collect()
    }

    #[test]
    fn plain_data_that_imports_the_engine_is_found() {
        let wrong = "`event` is plain data but imports `engine`".to_owned();
        let text = "use crate::names::HostName;\nuse crate::engine::Options;\n";
        assert_eq!(found("core/src/event.rs", text), [(2, wrong.clone())]);
        assert_eq!(found("core/src/event/kind.rs", "fn a(_: crate::engine::A) {}"), [(1, wrong)]);
        assert_eq!(found("core/src/value.rs", "use crate::{host, names};").len(), 1);
        assert_eq!(
            found("core/src/verdict.rs", "use crate::model::answers::ProvidedWire;").len(),
            1
        );
        assert_eq!(found("core/src/protocol.rs", "use crate::model::answers::Answers;").len(), 1);
    }

    #[test]
    fn working_modules_and_the_wire_form_of_answers_are_free() {
        assert!(found("core/src/engine/run.rs", "use crate::host::Probe;").is_empty());
        assert!(
            found("core/src/protocol.rs", "use crate::model::answers::ProvidedWire;").is_empty()
        );
        assert!(found("core/src/event.rs", "//! See [`crate::engine`].").is_empty());
    }
}
