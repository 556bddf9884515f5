//! What is to be installed.

use std::collections::BTreeMap;

use togusa_core::prelude::*;

use crate::location::Location;

/// The requirements of the last installation, in the environment.
pub(super) const RECORD: &str = "requirements.installed.txt";

/// Those of one that has not come to its end.
pub(super) const DRAFT: &str = "requirements.installing.txt";

/// Requirements from everywhere.
#[derive(Debug, Default)]
pub(super) struct Requirements {
    pub(super) lines: Vec<String>,
    pub(super) sources: Vec<String>,
    pub(super) files: Vec<Location>,
    assets: Vec<Asset>,
    paths: Vec<HostPath>,
}

impl Requirements {
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.sources.is_empty() && self.files.is_empty()
    }

    pub(super) fn resolve(&mut self, scope: &mut Scope<'_>) -> Result {
        for line in &self.lines {
            let is_line = !line.trim().is_empty() && !line.contains('\n');
            ensure!(is_line, "`{line}` is not one requirement");
        }
        self.assets = self.sources.iter().map(|name| scope.asset(name)).collect::<Result<_>>()?;
        self.paths = self.files.iter().map(|file| file.resolve(scope)).collect::<Result<_>>()?;
        Ok(())
    }

    /// All of them as one text.
    pub(super) fn text(&self, probe: &Probe<'_>) -> Result<String> {
        let mut text: String = self.lines.iter().map(|line| format!("{}\n", line.trim())).collect();
        for asset in &self.assets {
            let read = String::from_utf8(probe.asset(asset)?);
            let read = read.with_context(|| format!("`{}` is no text", asset.name))?;
            text.push_str(&ended(read));
        }
        for path in &self.paths {
            text.push_str(&ended(probe.read_to_string(path)?));
        }
        Ok(text)
    }
}

fn ended(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A package by its name alone: `Zope.Interface` and `zope-interface` are the same.
pub(super) fn normalized(name: &str) -> String {
    let mut all = String::new();
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if all.ends_with('-') => {}
            '-' | '_' | '.' => all.push('-'),
            c => all.push(c.to_ascii_lowercase()),
        }
    }
    all
}

/// A package that a line asks for, and the version if it is pinned. `None` for a line of another
/// kind, and for what depends on where it is installed.
fn package(line: &str) -> Option<(String, Option<&str>)> {
    // Hashes follow, in the same line or after a `\` at its end; or a comment.
    let line = line.split(" --").next()?.split(" #").next()?.trim().trim_end_matches('\\').trim();
    if line.contains([';', '@']) || line.starts_with(['-', '#', '.', '/']) || line.ends_with(".whl")
    {
        return None;
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let end = line.find(|c| !is_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let rest = rest.trim();
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']')?.1.trim(),
        None => rest,
    };
    let pinned = rest.strip_prefix("==").map(|version| version.trim_start_matches('=').trim());
    let pinned = pinned.filter(|version| !version.contains(['*', ',', ' ']));
    (!name.is_empty()).then(|| (normalized(name), pinned))
}

/// Whether two texts are the same version: case does not count, nor zeros at the end.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |version: &str| {
        let version = version.to_ascii_lowercase();
        let version = version.strip_prefix('v').unwrap_or(&version).to_owned();
        let mut version = version.as_str();
        while let Some(shorter) = version.strip_suffix(".0") {
            version = shorter;
        }
        version.to_owned()
    };
    plain(one) == plain(other)
}

/// What lacks, or has another version than the pinned one.
pub(super) fn changes(text: &str, installed: &BTreeMap<String, String>) -> Vec<Change> {
    let found = text.lines().filter_map(package).filter_map(|(name, pinned)| {
        match (installed.get(&name), pinned) {
            (None, Some(version)) => Some(Change::create(format!("package {name} {version}"))),
            (None, None) => Some(Change::create(format!("package {name}"))),
            (Some(present), Some(version)) if !is_same(present, version) => {
                Some(Change::property(format!("version of {name}"), present, version))
            }
            _ => None,
        }
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_package_and_may_pin_it() {
        for (line, name, pinned) in [
            ("flask", "flask", None),
            ("Flask_SQL.Alchemy == 3.0.1", "flask-sql-alchemy", Some("3.0.1")),
            ("uvicorn[standard]==0.30 # comment", "uvicorn", Some("0.30")),
            ("a==1.0 --hash=sha256:00 --hash=sha256:11", "a", Some("1.0")),
            ("a===1.0 \\", "a", Some("1.0")),
            ("a==1.*", "a", None),
            ("a>=1,<2", "a", None),
            ("a==1,!=2", "a", None),
            ("a~=1.4", "a", None),
        ] {
            assert_eq!(package(line), Some((name.to_owned(), pinned)), "{line}");
        }
        for line in [
            "",
            "# a==1",
            "-r other.txt",
            "--hash=sha256:00",
            "    --hash=sha256:00 \\",
            "./local",
            "a @ https://example.org/a.whl",
            "a==1 ; python_version < '3'",
            "/srv/a-1-py3-none-any.whl",
        ] {
            assert_eq!(package(line), None, "{line}");
        }
    }

    #[test]
    fn what_lacks_or_is_another_version_is_told() {
        let text = "a==1.0\nb==2\nC.d\nmissing==3\nalso\n";
        let all = [("a", "1"), ("b", "2.1"), ("c-d", "9")];
        let installed =
            all.into_iter().map(|(name, version)| (name.to_owned(), version.to_owned())).collect();
        let told: Vec<_> = changes(text, &installed).iter().map(ToString::to_string).collect();
        let missing = ["create package missing 3", "create package also"];
        assert_eq!(told, ["version of b 2.1 → 2", missing[0], missing[1]]);
        assert!(is_same("1.0.0", "1") && is_same("v2.0RC1", "2.0rc1") && !is_same("1.10", "1.1"));
    }
}
