//! What is to be installed.

use std::collections::BTreeMap;

use togusa_core::demand;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

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
            demand!(is_line, code::OPTION_VALUE, "`{line}` is not one requirement");
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
            let read = read
                .with_context(|| format!("`{}` is no text", asset.name))
                .code(code::EDIT_NOT_TEXT)?;
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

/// Whether what is installed is the pinned version, as Python compares them: `2024.02.02` is
/// `2024.2.2`, and `2.1` is any build of it, such as `2.1.0+cpu`.
fn is_same(present: &str, pinned: &str) -> bool {
    let lower = [present, pinned].map(str::to_ascii_lowercase);
    let [(present, build), (pinned, other)] =
        lower.each_ref().map(|it| it.split_once('+').map_or((&**it, None), |(a, b)| (a, Some(b))));
    parts(present) == parts(pinned) && (other.is_none() || build.map(parts) == other.map(parts))
}

/// The numbers and words of a version, without zeros at the end of its first numbers.
fn parts(version: &str) -> Vec<String> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let mut parts: Vec<String> = Vec::new();
    for piece in version.split(['.', '-', '_']) {
        for c in piece.chars() {
            let is_digit = |c: char| c.is_ascii_digit();
            match parts.last_mut() {
                Some(last) if !last.is_empty() && last.ends_with(is_digit) == is_digit(c) => {
                    last.push(c);
                }
                Some(last) if last.is_empty() => last.push(c),
                _ => parts.push(c.into()),
            }
        }
        parts.push(String::new());
    }
    let plain = parts.iter().filter(|part| !part.is_empty()).map(|part| match part.as_str() {
        "alpha" => "a".to_owned(),
        "beta" => "b".to_owned(),
        "c" | "pre" | "preview" => "rc".to_owned(),
        "rev" | "r" => "post".to_owned(),
        number if number.ends_with(|c: char| c.is_ascii_digit()) => {
            Some(number.trim_start_matches('0')).filter(|it| !it.is_empty()).unwrap_or("0").into()
        }
        word => word.to_owned(),
    });
    let mut plain: Vec<_> = plain.collect();
    let is_number = |part: &String| part.bytes().all(|byte| byte.is_ascii_digit());
    let mut end = plain.iter().take_while(|part| is_number(part)).count();
    while end > 1 && plain[end - 1] == "0" {
        end -= 1;
        plain.remove(end);
    }
    plain
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
    }

    #[test]
    fn versions_are_compared_as_python_does() {
        for (present, pinned) in [
            ("1.0.0", "1"),
            ("v2.0RC1", "2.0rc1"),
            ("2024.2.2", "2024.02.02"),
            ("2.1.0+cpu", "2.1.0"),
            ("2.1.0+cpu.1", "2.1+CPU-1"),
            ("1.0a1", "1.0-alpha.1"),
            ("1.0.post1", "1.0-r1"),
        ] {
            assert!(is_same(present, pinned), "{present} {pinned}");
        }
        for (present, pinned) in [
            ("1.10", "1.1"),
            ("1.0.1", "1.01"),
            ("2.1.0", "2.1.0+cpu"),
            ("2.1.0+cu121", "2.1.0+cpu"),
            ("1.0a1", "1.0"),
            ("1.0a10", "1.0a1"),
            ("10", "1"),
        ] {
            assert!(!is_same(present, pinned), "{present} {pinned}");
        }
    }
}
