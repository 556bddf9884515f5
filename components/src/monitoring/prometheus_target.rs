//! Targets of Prometheus.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::json;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::file::File;
use crate::location::Location;
use crate::purge::Purge;

/// A file that tells Prometheus whom to ask: targets with their labels, for `file_sd_configs`.
///
/// | attribute | default |
/// |---|---|
/// | `target` | one at least: `HOST:PORT` |
/// | `label` | none, for all targets of the file |
/// | `mode` | `0644` |
///
/// The file is written as its name says: `.json`, or `.yml` or `.yaml`. Prometheus looks at its files by
/// itself and wants no reload. Targets of one file share their labels; give others a file of their own.
/// Targets are sorted, so that the file is the same however they were found.
///
/// There is nothing to verify but the file. Prometheus 2.42.0 found the same targets and labels in both
/// forms (`promtool check service-discovery`).
///
/// **Needs**: nothing; the right to write into the directory.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let nodes = PrometheusTarget::new("/etc/prometheus/targets/nodes.yml").label("job", "node");
///     scope.add(nodes.target("db1.example.org:9100").target("web1.example.org:9100"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct PrometheusTarget {
    location: Location,
    targets: Vec<String>,
    labels: BTreeMap<String, String>,
    mode: u32,
    absent: bool,
}

impl PrometheusTarget {
    /// A file at a path that ends with `.json`, `.yml` or `.yaml`.
    pub fn new(path: impl Into<Location>) -> Self {
        Self {
            location: path.into(),
            targets: Vec::new(),
            labels: BTreeMap::new(),
            mode: 0o644,
            absent: false,
        }
    }

    /// Adds a target: `db1.example.org:9100`.
    #[must_use]
    pub fn target(mut self, address: impl Into<String>) -> Self {
        self.targets.push(address.into());
        self
    }

    /// Adds targets.
    #[must_use]
    pub fn targets(mut self, addresses: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.targets.extend(addresses.into_iter().map(Into::into));
        self
    }

    /// Sets a label of all targets; may be given several times.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.labels.insert(name.into(), value.to_string());
        self
    }

    /// Sets the mode of the file.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn text(&self) -> Option<String> {
        let path = self.location.as_str();
        if path.ends_with(".json") {
            let group = json!([{ "targets": self.targets, "labels": self.labels }]);
            return Some(format!("{group:#}\n"));
        }
        if !path.ends_with(".yml") && !path.ends_with(".yaml") {
            return None;
        }
        // A text of JSON is one of YAML too.
        let quoted = |text: &String| json!(text).to_string();
        let mut text = "# Kept by togusa.\n- targets:\n".to_owned();
        text.extend(self.targets.iter().map(|target| format!("    - {}\n", quoted(target))));
        if !self.labels.is_empty() {
            text.push_str("  labels:\n");
            let line = |(name, value)| format!("    {name}: {}\n", quoted(value));
            text.extend(self.labels.iter().map(line));
        }
        Some(text)
    }

    fn check(&self) -> Result {
        if self.targets.is_empty() {
            return Err(fault!(code::OPTION_MISSING, "the file has no target"))
                .hint("add one by `.target(…)`");
        }
        for target in &self.targets {
            let port = target.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:[]%".contains(c);
            let sound = matches!(port, Some((host, Ok(_))) if !host.is_empty());
            demand!(
                sound && target.chars().all(plain),
                code::ADDRESS_FORM,
                "`{target}` is no target: it is a host and a port, such as `db1:9100`"
            );
        }
        for name in self.labels.keys() {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let begins = !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty();
            let is_name = begins && name.chars().all(plain);
            demand!(is_name, code::NOT_A_NAME, "`{name}` cannot be a label of Prometheus");
        }
        Ok(())
    }
}

impl Component for PrometheusTarget {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.location.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        if self.absent {
            scope.add(Purge::new(self.location.clone()));
            return Ok(());
        }
        self.check()?;
        self.targets.sort();
        self.targets.dedup();
        let Some(text) = self.text() else {
            let path = self.location.as_str();
            return Err(fault!(code::OPTION_VALUE, "`{path}` does not say what it is written in"))
                .hint("let it end with `.json`, `.yml` or `.yaml`");
        };
        scope.add(File::new(self.location.clone()).content(text).mode(self.mode));
        Ok(())
    }
}
