//! What `package-lock.json` wants, and what npm noted of what it installed.

use std::collections::BTreeMap;

use serde_json::Value;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

/// A package at its place below a directory, such as `node_modules/a/node_modules/b`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Locked {
    pub(super) version: String,
    /// Of its content.
    integrity: String,
    /// Needed for development alone.
    dev: bool,
    /// It may be missing where it is for another system.
    optional: bool,
}

/// The packages of a lock file, by their places.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, Locked>> {
    let json: Value = serde_json::from_str(text)
        .context("`package-lock.json` cannot be read")
        .code(code::NPM_LOCK)?;
    let packages = json.get("packages").and_then(Value::as_object);
    let packages = packages.context("`package-lock.json` has no `packages`").code(code::NPM_LOCK);
    let packages = packages.hint("write it anew by `npm install`, version 7 or later")?;
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let flag = |value: &Value, name: &str| value.get(name) == Some(&Value::Bool(true));
    // What has no place there is the project itself, or a part of it.
    let installed = packages.iter().filter(|(path, _)| path.contains("node_modules/"));
    let read = installed.map(|(path, value)| {
        let locked = Locked {
            version: text(value, "version"),
            integrity: text(value, "integrity"),
            dev: flag(value, "dev"),
            optional: ["optional", "devOptional"].iter().any(|name| flag(value, name)),
        };
        (path.clone(), locked)
    });
    Ok(read.collect())
}

/// The package that lies at a place.
fn name(path: &str) -> &str {
    path.rsplit_once("node_modules/").map_or(path, |(_, name)| name)
}

/// What has to change so that what is noted becomes what is locked.
pub(super) fn differences(
    locked: &BTreeMap<String, Locked>,
    noted: &BTreeMap<String, Locked>,
    production: bool,
) -> Vec<Change> {
    let wanted = |locked: &Locked| !(production && locked.dev);
    let mut changes = Vec::new();
    for (path, locked) in locked.iter().filter(|(_, locked)| wanted(locked)) {
        match noted.get(path) {
            None if locked.optional => {}
            None => {
                changes.push(Change::create(format!("package {} {}", name(path), locked.version)));
            }
            Some(there) if there.version != locked.version => {
                let what = format!("version of {}", name(path));
                changes.push(Change::property(what, &there.version, &locked.version));
            }
            Some(there) if there.integrity != locked.integrity => {
                changes.push(format!("the content of {} is another one", name(path)).into());
            }
            Some(_) => {}
        }
    }
    for path in noted.keys().filter(|path| !locked.get(*path).is_some_and(wanted)) {
        changes.push(Change::remove(format!("package {}", name(path))));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As npm 11.19 writes it, shortened.
    const LOCK: &str = r#"{
        "name": "app", "lockfileVersion": 3, "requires": true,
        "packages": {
            "": { "dependencies": { "tool": "1.0.0" } },
            "node_modules/tool": { "version": "1.0.0", "integrity": "sha512-a" },
            "node_modules/tool/node_modules/@at/x": { "version": "2.0.0", "integrity": "sha512-b" },
            "node_modules/fsevents": { "version": "3.0.0", "optional": true },
            "node_modules/test": { "version": "4.0.0", "dev": true }
        }
    }"#;

    #[test]
    fn each_difference_is_told() {
        let locked = read(LOCK).unwrap();
        let told = |noted: &BTreeMap<_, _>, production| -> Vec<String> {
            differences(&locked, noted, production).iter().map(ToString::to_string).collect()
        };
        let all = [
            "create package test 4.0.0",
            "create package tool 1.0.0",
            "create package @at/x 2.0.0",
        ];
        assert_eq!(told(&BTreeMap::new(), false), all);
        assert_eq!(told(&BTreeMap::new(), true), all[1..]);
        assert_eq!(told(&locked, false), [""; 0]);
        assert_eq!(told(&locked, true), ["remove package test"]);
        let mut noted = locked.clone();
        noted.insert("node_modules/more".into(), Locked::default());
        noted.get_mut("node_modules/tool").unwrap().version = "0.9.0".into();
        let other = "node_modules/tool/node_modules/@at/x";
        noted.get_mut(other).unwrap().integrity = "sha512-c".into();
        assert_eq!(
            told(&noted, false),
            [
                "version of tool 0.9.0 → 1.0.0",
                "the content of @at/x is another one",
                "remove package more"
            ]
        );
    }

    #[test]
    fn what_is_no_lock_of_today_is_refused() {
        let failure = |text| format!("{:#}", read(text).unwrap_err());
        assert!(failure("no").contains("`package-lock.json` cannot be read"));
        assert!(failure(r#"{"dependencies": {}}"#).contains("has no `packages`"));
    }
}
