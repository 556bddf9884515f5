//! Building the program with cargo.

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use togusa_core::problem::{Problem, code};
use togusa_core::system;
use togusa_core::system::program;

use super::program::Program;
use super::settings::{self, PROFILE, Part, Settings};
use super::{Notes, targets, unreadable};

/// Until a build has taken so long, nothing is said of it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Cargo's package of the running program.
#[derive(Debug)]
pub struct Package {
    /// The manifest of the package.
    manifest: PathBuf,
    /// The manifest of its workspace.
    workspace: PathBuf,
    /// Cargo's target directory.
    pub target_directory: PathBuf,
    /// Where cargo is started, which decides over its configuration.
    pub directory: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct MetadataPackage {
    manifest_path: PathBuf,
    targets: Vec<MetadataTarget>,
}

#[derive(Deserialize)]
struct MetadataTarget {
    name: String,
    kind: Vec<String>,
    src_path: PathBuf,
}

/// A line that `cargo build` writes to standard output.
#[derive(Deserialize)]
struct Message {
    reason: String,
    executable: Option<PathBuf>,
}

impl Package {
    /// Finds the package in the workspace of one of these directories.
    ///
    /// # Errors
    /// Cargo cannot be run, or no package has a program of this name.
    pub fn find(
        directories: impl Iterator<Item = PathBuf>,
        program: &Program,
    ) -> Result<Self, Problem> {
        let mut seen = Vec::new();
        let mut reasons = Vec::new();
        for directory in directories.filter(|directory| directory.is_dir()) {
            let manifest = directory.join("Cargo.toml");
            if seen.contains(&manifest) {
                continue;
            }
            seen.push(manifest);
            match metadata(&directory)? {
                Ok(metadata) => {
                    seen.extend(
                        metadata.packages.iter().map(|package| package.manifest_path.clone()),
                    );
                    if let Some(package) = metadata.package_of(program, &directory) {
                        return Ok(package);
                    }
                }
                Err(reason) => reasons.push(reason),
            }
        }
        let message = format!("no package of the project has a program `{}`", program.name);
        let problem = Problem {
            causes: reasons.into_iter().take(1).collect(),
            ..Problem::new(code::NO_PACKAGE, message)
        };
        Err(problem.hint(
            "start a program under the name that it has in its `Cargo.toml`, or deploy with \
             `--agents DIR` of prepared binaries",
        ))
    }

    /// Builds a static binary for a target below a target directory; where cargo put it.
    ///
    /// # Errors
    /// The build failed: what the compiler says.
    pub fn build(
        &self,
        program: &Program,
        target: &str,
        target_directory: &Path,
        part: Part,
        notes: &Notes,
    ) -> Result<PathBuf, Problem> {
        let additions = Settings::read(&self.directory)?.additions(
            target,
            &settings::read_table(&self.workspace)?,
            part,
        );
        let mut command = cargo(&self.directory);
        command.args(["build", "--profile", PROFILE, "--color", "never"]);
        command.args(["--message-format", "json-render-diagnostics"]);
        command.args(["--bin", &program.name, "--target", target]);
        command.arg("--manifest-path").arg(&self.manifest);
        command.arg("--target-dir").arg(target_directory);
        additions.config.iter().for_each(|value| {
            command.args(["--config", value]);
        });
        if let Some(flags) = &additions.encoded_flags {
            command.env("CARGO_ENCODED_RUSTFLAGS", flags);
        }
        let ran = run(&mut command, notes).map_err(no_cargo)?;
        if !ran.status.success() {
            let message = format!("failed to build `{}` for `{target}`", program.name);
            let problem = Problem::new(code::BUILD_FAILED, message);
            let hint = hint(target, &ran.words);
            let problem = Problem { causes: vec![ran.words], ..problem };
            return Err(match hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            });
        }
        let messages =
            ran.out.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
        let artifacts = messages.filter(|message| message.reason == "compiler-artifact");
        artifacts.filter_map(|message| message.executable).next_back().ok_or_else(|| {
            Problem::new(
                code::BUILD_FAILED,
                format!("cargo built no program `{}` for `{target}`", program.name),
            )
        })
    }

    /// The directory of the toolchain that builds.
    ///
    /// # Errors
    /// The compiler cannot be run.
    pub fn sysroot(&self) -> Result<PathBuf, Problem> {
        let rustc = system::variable("RUSTC").unwrap_or_else(|| "rustc".to_owned());
        let mut command = start(rustc, &self.directory);
        let ran = run(command.args(["--print", "sysroot"]), &Notes::none()).map_err(no_cargo)?;
        if !ran.status.success() {
            let problem = Problem::new(code::NO_CARGO, "the Rust compiler cannot be run");
            return Err(Problem { causes: vec![ran.words], ..problem });
        }
        Ok(ran.out.trim_end().into())
    }
}

impl Metadata {
    fn package_of(&self, program: &Program, directory: &Path) -> Option<Package> {
        let sources = &program.listed;
        let is_program = |target: &MetadataTarget| {
            let from_here = sources.is_empty() || sources.contains(&target.src_path);
            target.name == program.name && target.kind.iter().any(|kind| kind == "bin") && from_here
        };
        let package =
            self.packages.iter().find(|package| package.targets.iter().any(is_program))?;
        Some(Package {
            manifest: package.manifest_path.clone(),
            workspace: self.workspace_root.join("Cargo.toml"),
            target_directory: self.target_directory.clone(),
            directory: directory.to_owned(),
        })
    }
}

/// The packages of the workspace that holds for a directory, or why there is none.
fn metadata(directory: &Path) -> Result<Result<Metadata, String>, Problem> {
    let mut command = cargo(directory);
    command.args(["metadata", "--no-deps", "--format-version", "1", "--color", "never"]);
    let ran = run(&mut command, &Notes::none()).map_err(no_cargo)?;
    if !ran.status.success() {
        return Ok(Err(ran.words));
    }
    let read = serde_json::from_str(&ran.out);
    read.map(Ok).map_err(|error| unreadable("what `cargo metadata` says", &error))
}

fn cargo(directory: &Path) -> Command {
    start(system::variable("CARGO").unwrap_or_else(|| "cargo".to_owned()), directory)
}

fn start(name: String, directory: &Path) -> Command {
    let mut command = program(name);
    command.current_dir(directory).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_cargo_run(name)) {
        command.env_remove(name);
    }
    command
}

/// Whether `cargo run` sets the variable for what it starts. Build scripts that watch it would run
/// again each time the program is started in another way.
fn is_of_cargo_run(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix))
}

fn no_cargo(error: io::Error) -> Problem {
    let problem =
        Problem::new(code::NO_CARGO, "cannot run cargo, to build what is pushed to hosts");
    Problem { causes: vec![error.to_string()], ..problem }.hint(
        "install Rust, or deploy with `--agents DIR` of binaries that `build --out DIR` wrote \
         elsewhere",
    )
}

/// What to do when linking or compiling C failed for want of a tool.
fn hint(target: &str, words: &str) -> Option<String> {
    let architecture = target.split('-').next().unwrap_or_default();
    if words.contains("linking with") || words.contains("linker `") {
        let other = format!("{architecture}-unknown-linux-musl");
        let easier = if targets::links_by_itself(target) {
            String::new()
        } else {
            format!(", or build for `{other}`, which needs none")
        };
        return Some(format!(
            "install a linker for `{target}` and name it as `target.{target}.linker` in \
             `.cargo/config.toml`{easier}"
        ));
    }
    let wants_c = ["failed to find tool", "ToolNotFound"].iter().any(|text| words.contains(text));
    wants_c.then(|| {
        let variable = target.replace('-', "_");
        format!("a dependency has C in it: install a C compiler for `{target}` and name it in CC_{variable}")
    })
}

/// How a program ended and what it wrote.
struct Ran {
    status: ExitStatus,
    out: String,
    /// Standard error without the lines that only tell of progress.
    words: String,
}

/// Runs a program; what it tells of its progress is noted when it takes long.
fn run(command: &mut Command, notes: &Notes) -> io::Result<Ran> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let notes = notes.clone();
    let words =
        thread::spawn(move || stderr.map_or(Ok(String::new()), |stream| listen(stream, &notes)));
    let mut out = Vec::new();
    stdout.map_or(Ok(0), |mut stream| stream.read_to_end(&mut out))?;
    let words = words.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))?;
    let out = String::from_utf8_lossy(&out).into_owned();
    Ok(Ran { status: child.wait()?, out, words })
}

fn listen(stream: impl Read, notes: &Notes) -> io::Result<String> {
    let started = Instant::now();
    let mut words = String::new();
    for line in BufReader::new(stream).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        if !is_progress(&line) {
            words = words + line.trim_end() + "\n";
        } else if started.elapsed() >= PATIENCE {
            notes.say(&line);
        }
    }
    words.truncate(words.trim_end().len());
    Ok(words)
}

/// Whether the line tells what cargo does: a verb, flushed right to the twelfth column.
fn is_progress(line: &str) -> bool {
    let verb = line.trim_start();
    let indent = line.len() - verb.len();
    let length = verb.find(' ').unwrap_or(0);
    indent > 0 && indent + length == 12 && verb.starts_with(|c: char| c.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_from_what_the_compiler_says() {
        for line in [
            "   Compiling hello v0.1.0 (/x)",
            "    Finished `push` profile",
            "    Blocking waiting",
        ] {
            assert!(is_progress(line), "{line}");
        }
        for line in
            ["error[E0425]: cannot find value", "  --> src/main.rs:1:2", "12 |     Compiling", ""]
        {
            assert!(!is_progress(line), "{line}");
        }
    }

    #[test]
    fn a_missing_linker_has_a_hint_that_fits_the_target() {
        let words = "error: linker `cc` not found";
        let gnu = hint("aarch64-unknown-linux-gnu", words).unwrap();
        assert!(gnu.contains("or build for `aarch64-unknown-linux-musl`"), "{gnu}");
        let musl = hint("aarch64-unknown-linux-musl", words).unwrap();
        assert!(!musl.contains("or build"), "{musl}");
        let c = "failed to find tool \"aarch64-linux-musl-gcc\": No such file";
        assert!(
            hint("aarch64-unknown-linux-musl", c)
                .unwrap()
                .contains("CC_aarch64_unknown_linux_musl")
        );
        assert_eq!(hint("aarch64-unknown-linux-musl", "error[E0425]: x"), None);
    }

    #[test]
    fn what_cargo_run_sets_does_not_reach_the_build() {
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(is_of_cargo_run(&name.into()));
        }
        for name in ["CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "RUSTFLAGS"] {
            assert!(!is_of_cargo_run(&name.into()));
        }
    }
}
