//! What the user's cargo is configured to do, and what a build for a push adds to it.
//!
//! Cargo takes flags for the compiler from the first of these that is set, not from all:
//! `CARGO_ENCODED_RUSTFLAGS`, `RUSTFLAGS`, those of the target, those of `[build]`. To add a flag,
//! those that would be used have to be known.

use std::path::{Path, PathBuf};

use togusa_core::problem::Problem;
use togusa_core::system;
use toml::{Table, Value};

use super::{targets, unreadable};

/// The profile of a build for a push.
pub const PROFILE: &str = "push";

/// The profile for a workspace that does not define it: small, and quick to build again.
const PROFILE_KEYS: [&str; 5] = [
    "inherits=\"release\"",
    "opt-level=\"s\"",
    "strip=true",
    "incremental=true",
    "package.\"*\".codegen-units=1",
];

const STATIC: [&str; 2] = ["-C", "target-feature=+crt-static"];

/// How much of a program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What runs on hosts. The linker leaves out all that only a coordinator needs.
    Agent,
    /// All of it.
    Whole,
}

impl Part {
    fn flags(self) -> impl Iterator<Item = &'static str> {
        let agent: &[_] = if self == Self::Agent { &["--cfg", "togusa_agent"] } else { &[] };
        STATIC.iter().chain(agent).copied()
    }
}

/// The variables that change what cargo builds, but for those with the target in their name.
const VARIABLES: [&str; 8] = [
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "TOGUSA_EMBED",
];

/// The tables of the configuration files that hold for a directory, the weakest first.
#[derive(Debug)]
pub struct Settings {
    tables: Vec<Table>,
}

/// What is added to `cargo build`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Additions {
    /// Values of `--config`.
    pub config: Vec<String>,
    /// `CARGO_ENCODED_RUSTFLAGS`, where variables decide over the flags.
    pub encoded_flags: Option<String>,
}

impl Settings {
    /// Reads the files that cargo would read.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn read(directory: &Path) -> Result<Self, Problem> {
        let mut files: Vec<_> =
            config_files(directory).into_iter().filter(|file| file.is_file()).collect();
        files.reverse();
        let tables = files.iter().map(|file| read_table(file)).collect::<Result<_, _>>()?;
        Ok(Self { tables })
    }

    /// What a static build for a target needs beyond what is configured.
    pub fn additions(&self, target: &str, manifest: &Table, part: Part) -> Additions {
        let mut additions = Additions::default();
        let defined =
            |table: &Table| table.get("profile").is_some_and(|all| all.get(PROFILE).is_some());
        if !defined(manifest) && !self.tables.iter().any(defined) {
            let keys = PROFILE_KEYS.iter().map(|key| format!("profile.{PROFILE}.{key}"));
            additions.config.extend(keys);
        }
        if targets::links_by_itself(target)
            && !targets::is_of_here(target)
            && !self.has_linker(target)
        {
            additions.config.push(format!("target.{target}.linker=\"rust-lld\""));
        }
        match flags_of_variables() {
            Some(mut flags) => {
                flags.extend(part.flags().map(str::to_owned));
                additions.encoded_flags = Some(flags.join("\x1f"));
            }
            None => {
                let mut flags = self.flags_that_would_be_lost(target);
                flags.extend(part.flags().map(str::to_owned));
                additions.config.push(format!("target.{target}.rustflags={}", Value::from(flags)));
            }
        }
        additions
    }

    fn has_linker(&self, target: &str) -> bool {
        let mut of_target = self.tables.iter().filter_map(|table| table.get("target")?.get(target));
        system::variable(&target_variable(target, "LINKER")).is_some()
            || of_target.any(|table| table.get("linker").is_some())
    }

    /// The flags of `[build]`, which cargo forgets as soon as the target has some.
    fn flags_that_would_be_lost(&self, target: &str) -> Vec<String> {
        // Whether a `cfg(…)` holds is not looked at: who writes flags for one knows the rule above.
        let of_target = self.tables.iter().filter_map(|table| table.get("target")?.as_table());
        let mut of_target =
            of_target.flatten().filter(|(name, _)| *name == target || name.starts_with("cfg("));
        if system::variable(&target_variable(target, "RUSTFLAGS")).is_some()
            || of_target.any(|(_, table)| table.get("rustflags").is_some())
        {
            return Vec::new();
        }
        let of_build = self.tables.iter().filter_map(|table| table.get("build")?.get("rustflags"));
        let of_variable = system::variable("CARGO_BUILD_RUSTFLAGS").map(Value::from);
        of_build.chain(&of_variable).flat_map(words).collect()
    }
}

/// The flags that variables set for all targets.
fn flags_of_variables() -> Option<Vec<String>> {
    let encoded = system::variable("CARGO_ENCODED_RUSTFLAGS")
        .map(|flags| flags.split('\x1f').map(str::to_owned).collect());
    encoded.or_else(|| Some(words(&system::variable("RUSTFLAGS")?.into())))
}

/// A list of flags, or a text of them with blanks between.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Each variable that changes what cargo builds for a target, with its value.
pub fn variables(target: &str) -> Vec<(String, String)> {
    let of_target = ["LINKER", "RUSTFLAGS"].map(|name| target_variable(target, name));
    let names = VARIABLES.into_iter().map(str::to_owned).chain(of_target);
    names.filter_map(|name| system::variable(&name).map(|value| (name, value))).collect()
}

fn target_variable(target: &str, name: &str) -> String {
    let target = target.to_uppercase().replace(['-', '.'], "_");
    format!("CARGO_TARGET_{target}_{name}")
}

/// The files beside the sources that decide over a build in a directory, whether or not they exist.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let toolchains = directory.ancestors().flat_map(|directory| {
        ["rust-toolchain", "rust-toolchain.toml"].map(|name| directory.join(name))
    });
    config_files(directory).into_iter().chain(toolchains).collect()
}

/// Where cargo looks for its configuration, the strongest first.
fn config_files(directory: &Path) -> Vec<PathBuf> {
    let home = system::variable("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&system::variable("HOME")?).join(".cargo")));
    let directories = directory.ancestors().map(|directory| directory.join(".cargo")).chain(home);
    let mut files = Vec::new();
    for file in
        directories.flat_map(|directory| ["config", "config.toml"].map(|name| directory.join(name)))
    {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

/// Reads a TOML file.
pub fn read_table(file: &Path) -> Result<Table, Problem> {
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    text.parse().map_err(|error: toml::de::Error| unreadable(file, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GNU: &str = "x86_64-unknown-linux-gnu";

    /// What a configuration leads to, but for the profile.
    fn config(tables: &[&str], target: &str) -> Vec<String> {
        let tables = tables.iter().map(|text| text.parse().unwrap()).collect();
        let manifest = "[profile.push]\ninherits = 'release'".parse().unwrap();
        Settings { tables }.additions(target, &manifest, Part::Whole).config
    }

    #[test]
    fn the_profile_of_the_workspace_is_left_alone() {
        let config = |manifest: &str, tables: &[&str]| {
            let tables = tables.iter().map(|text| text.parse().unwrap()).collect();
            Settings { tables }.additions(GNU, &manifest.parse().unwrap(), Part::Whole).config
        };
        let profile = |config: Vec<String>| {
            config.iter().filter(|line| line.starts_with("profile.push.")).count()
        };
        assert_eq!(profile(config("[profile.release]\nlto = true", &[])), PROFILE_KEYS.len());
        assert_eq!(profile(config("[profile.push]\ninherits = 'release'", &[])), 0);
        assert_eq!(profile(config("", &["[profile.push]\ninherits = 'release'"])), 0);
    }

    #[test]
    fn flags_that_are_configured_stay() {
        let flags = |tables: &[&str]| config(tables, GNU).pop().unwrap();
        let key = format!("target.{GNU}.rustflags");
        let add = r#""-C", "target-feature=+crt-static"]"#;
        assert_eq!(flags(&[]), format!("{key}=[{add}"));
        let build = "[build]\nrustflags = ['-Cx']";
        assert_eq!(flags(&[build]), format!(r#"{key}=["-Cx", {add}"#));
        assert_eq!(
            flags(&[build, "[build]\nrustflags = '-Cy z'"]),
            format!(r#"{key}=["-Cx", "-Cy", "z", {add}"#)
        );
        // Cargo joins those of the target by itself, and takes none of `[build]` then.
        assert_eq!(
            flags(&[build, &format!("[target.{GNU}]\nrustflags = ['-Cy']")]),
            format!("{key}=[{add}")
        );
        assert_eq!(
            flags(&[build, "[target.'cfg(unix)']\nrustflags = ['-Cy']"]),
            format!("{key}=[{add}")
        );
    }

    #[test]
    fn rust_links_for_other_machines_by_itself_unless_a_linker_is_configured() {
        let target = "sparc-unknown-linux-musl";
        let linker = format!("target.{target}.linker=\"rust-lld\"");
        assert!(config(&[], target).contains(&linker));
        let own = format!("[target.{target}]\nlinker = 'cc'");
        assert!(!config(&[&own], target).contains(&linker));
        assert!(!config(&[], GNU).concat().contains("linker"));
    }

    #[test]
    fn the_configuration_of_a_directory_is_looked_for_above_it_too() {
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("a/b");
        std::fs::create_dir_all(below.join(".cargo")).unwrap();
        std::fs::create_dir_all(directory.path().join(".cargo")).unwrap();
        for (place, flag) in [(directory.path(), "weak"), (below.as_path(), "strong")] {
            let text = format!("[build]\nrustflags = ['{flag}']");
            std::fs::write(place.join(".cargo/config.toml"), text).unwrap();
        }
        let flags = Settings::read(&below).unwrap().flags_that_would_be_lost("t");
        let at = |flag: &str| flags.iter().position(|known| known == flag).unwrap();
        assert!(at("weak") < at("strong"), "{flags:?}");
        std::fs::write(below.join(".cargo/config.toml"), "build = [").unwrap();
        let problem = Settings::read(&below).unwrap_err();
        assert!(problem.message.contains("a/b/.cargo/config.toml"), "{problem}");
    }
}
