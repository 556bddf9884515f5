//! A component crate from a registry: packed as it would be published, added to a new project,
//! registered, deployed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use togusa_core::digest::Digest;
use togusa_tests::new_project::{NewProject, cargo, finish, target};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The index of the registry knows the dependencies as they stand in the manifest of the crate.
const DEPENDENCIES: [&str; 2] = ["togusa-components", "togusa-core"];

/// Packs the crate; the file, which is as a registry has it.
fn packed() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "a command of an author of crates")]
    let mut package = Command::new(cargo());
    package.args(["package", "--package", "shared-banner", "--offline", "--quiet"]);
    // It cannot be built by itself before togusa is in a registry, and is built below.
    package.args(["--no-verify", "--allow-dirty", "--exclude-lockfile", "--target-dir"]);
    finish(package.arg(target().join("packed")).current_dir(ROOT)).expect(0);
    let file = format!("shared-banner-{}.crate", env!("CARGO_PKG_VERSION"));
    target().join("packed/package").join(file)
}

/// A registry with this crate alone; where it lies depends on what the crate holds, as cargo
/// unpacks each version of a registry once.
fn registry(file: &Path) -> PathBuf {
    let bytes = fs::read(file).unwrap();
    let digest = Digest::of(&bytes);
    let registries = target().join("registries");
    if registries.exists() {
        fs::remove_dir_all(&registries).unwrap();
    }
    let registry = registries.join(digest.short());
    let index = registry.join("index/sh/ar/shared-banner");
    fs::create_dir_all(index.parent().unwrap()).unwrap();
    fs::write(registry.join(file.file_name().unwrap()), bytes).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let dependencies: Vec<_> = DEPENDENCIES
        .iter()
        .map(|name| {
            serde_json::json!({
                "name": name, "req": format!("^{version}"), "features": [], "optional": false,
                "default_features": true, "target": null, "kind": "normal",
                "registry": "https://github.com/rust-lang/crates.io-index",
            })
        })
        .collect();
    let entry = serde_json::json!({
        "name": "shared-banner", "vers": version, "deps": dependencies, "features": {},
        "cksum": digest.to_string(), "yanked": false,
    });
    fs::write(index, format!("{entry}\n")).unwrap();
    registry
}

#[test]
fn a_published_component_is_added_to_a_manifest_and_registered() {
    let project = NewProject::new("guest");
    let registry = registry(&packed());
    project.write(
        ".cargo/config.toml",
        format!(
            "[registries.shared]\nindex = \"sparse+https://crates.example.org/\"\n\n\
             [source.shared]\nregistry = \"sparse+https://crates.example.org/\"\n\
             replace-with = \"here\"\n\n[source.here]\nlocal-registry = {registry:?}\n"
        ),
    );
    let togusa = "togusa.workspace = true\n";
    let version = env!("CARGO_PKG_VERSION");
    let dependency =
        format!("shared-banner = {{ version = \"{version}\", registry = \"shared\" }}\n");
    project.replace("Cargo.toml", togusa, &format!("{dependency}{togusa}"));
    let root = Path::new(ROOT).canonicalize().unwrap();
    let patches = [("togusa-core", "core"), ("togusa-components", "components")];
    let patches = patches.map(|(name, path)| format!("{name}.path = {:?}\n", root.join(path)));
    let manifest = project.read("Cargo.toml");
    project.write("Cargo.toml", format!("{manifest}\n[patch.crates-io]\n{}", patches.concat()));
    let app = ".with::<guest_app::App>(\"app\")";
    let both = format!("{app}.with::<shared_banner::Banner>(\"banner\")");
    project.replace("src/main.rs", app, &both);
    project.replace(
        "environments/dev/environment.toml",
        "components = [\"app\"]\n",
        "components = [\"app\", \"banner\"]\n\n[components.banner]\ntext = \"shared\"\n",
    );

    project.run("deploy dev").expect(0);
    let banner = project.home("deployment/guest/dev/work/banner/banner");
    let rule = "-".repeat(40);
    let text = format!("{rule}\nshared on localhost\n{rule}\n");
    assert_eq!(fs::read_to_string(banner).unwrap(), text);

    // The template is in the program: where cargo unpacked the crate does not matter any more.
    let mut metadata = project.command(cargo());
    let metadata = metadata.args(["metadata", "--format-version", "1", "--offline", "--locked"]);
    let told = project.finish(metadata.args(["--filter-platform", &host()])).expect(0).out;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let packages = told["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "shared-banner").unwrap();
    let unpacked = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
    assert!(unpacked.join("src/banner.j2").is_file() && !unpacked.starts_with(project.path("")));
    fs::remove_dir_all(unpacked.parent().unwrap()).unwrap();
    project.replace("environments/dev/environment.toml", "\"shared\"", "\"again\"");
    let mut program = project.command(project.program());
    project.finish(program.args(["deploy", "dev"])).expect(0);
    let banner = project.home("deployment/guest/dev/work/banner/banner");
    assert!(fs::read_to_string(banner).unwrap().contains("\nagain on localhost\n"));
}

/// The target triple of this machine, as the compiler tells it.
fn host() -> String {
    #[expect(clippy::disallowed_methods, reason = "the compiler that builds the project")]
    let told = finish(Command::new("rustc").arg("-vV")).expect(0).out;
    told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}
