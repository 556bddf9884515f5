//! The agents: the binaries that are pushed to hosts.
//!
//! An agent is the project's own program, built once more: static, without what only a coordinator
//! needs, one for each target. All
//! of one state of the sources carry one build id, whichever target they are for, in their last
//! line. They are built by cargo when something that they are made of has changed, or were prepared
//! by `togusa build --out DIR`.

mod binary;
mod cache;
mod cargo;
mod dep_info;
mod files;
mod prepared;
mod program;
mod settings;
mod sources;
mod targets;
mod trailer;

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use togusa_core::problem::{Problem, code};
use togusa_core::system;

use cache::{Cache, Fresh, Inputs};
use cargo::Package;
use prepared::Prepared;
use program::{Origin, Program};
use settings::Part;
use sources::Sources;

pub use binary::AgentBinary;
pub use prepared::{prepare, short};
pub use trailer::{build_of_file, build_of_tail};

/// The binaries that can be pushed.
#[derive(Debug)]
pub struct Agents {
    supply: Supply,
    known: Mutex<BTreeMap<Option<String>, Arc<Slot>>>,
}

/// Filled by who comes first; the others wait.
type Slot = OnceLock<Result<Arc<AgentBinary>, Problem>>;

#[derive(Debug)]
enum Supply {
    Project(Box<Project>),
    Prepared(Prepared),
}

/// Where lines go that tell how a long build goes on.
#[derive(Clone)]
struct Notes(Arc<dyn Fn(&str) + Send + Sync>);

impl Notes {
    fn none() -> Self {
        Self(Arc::new(|_| {}))
    }

    fn say(&self, line: &str) {
        (self.0)(line);
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notes")
    }
}

impl Agents {
    /// The agents of a project, built with cargo when they are not fresh.
    ///
    /// `root` is the directory that has `environments/`, `program` the file of the running program.
    ///
    /// # Errors
    /// The program is older than its sources, nothing tells what it was built from, or cargo knows
    /// no package for it.
    pub fn of_project(root: &Path, program: &Path) -> Result<Self, Problem> {
        let program = Program::of(program)?;
        program.require_current(&program.listed, root)?;
        let project = Project {
            root: root.to_owned(),
            program,
            package: OnceLock::new(),
            notes: Notes::none(),
        };
        if !project.cache()?.exists() {
            // Whoever has no cargo is told before any host is contacted.
            project.package()?;
        }
        Ok(Self { supply: Supply::Project(Box::new(project)), known: Mutex::default() })
    }

    /// Agents that `togusa build --out DIR` wrote; no cargo is needed.
    ///
    /// # Errors
    /// The directory cannot be read, or its agents were built from other sources than `program`,
    /// the file of the running program.
    pub fn prepared(directory: &Path, program: &Path) -> Result<Self, Problem> {
        let prepared = Prepared::read(directory)?;
        let program = Program::of(program)?;
        prepared.require_build(&program.build_id(directory)?)?;
        Ok(Self { supply: Supply::Prepared(prepared), known: Mutex::default() })
    }

    /// Tells how a build goes on that takes longer than a second, line by line.
    #[must_use]
    pub fn noting(mut self, note: impl Fn(&str) + Send + Sync + 'static) -> Self {
        if let Supply::Project(project) = &mut self.supply {
            project.notes = Notes(Arc::new(note));
        }
        self
    }

    /// The binary for a target triple; `None` is this machine's architecture, static.
    ///
    /// Builds at most once for each target; who comes meanwhile waits.
    ///
    /// # Errors
    /// The target is not installed, the build fails, or nothing was prepared for the target.
    pub fn get(&self, target: Option<&str>) -> Result<Arc<AgentBinary>, Problem> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = Arc::clone(known.entry(target.map(str::to_owned)).or_default());
        drop(known);
        let made = slot.get_or_init(|| match &self.supply {
            Supply::Project(project) => project.get(target),
            Supply::Prepared(prepared) => prepared.get(target),
        });
        made.clone()
    }

    /// The binary for what `uname -s` and `uname -m` said on a host.
    ///
    /// # Errors
    /// No target is known for such a machine, and as [`get`](Self::get).
    pub fn for_machine(&self, system: &str, machine: &str) -> Result<Arc<AgentBinary>, Problem> {
        self.get(targets::for_machine(system, machine)?.as_deref())
    }

    /// The binary for a target if there is one that is right as it is; `None`: it would be built
    /// first. Nothing is built.
    ///
    /// # Errors
    /// The target is not installed, nothing was prepared for it, or there is no cargo.
    pub fn look(&self, target: Option<&str>) -> Result<Option<Arc<AgentBinary>>, Problem> {
        match &self.supply {
            Supply::Project(project) => project.look(target),
            Supply::Prepared(prepared) => prepared.get(target).map(Some),
        }
    }

    /// As [`look`](Self::look), for what `uname -s` and `uname -m` said on a host.
    ///
    /// # Errors
    /// No target is known for such a machine, and as [`look`](Self::look).
    pub fn look_for_machine(
        &self,
        system: &str,
        machine: &str,
    ) -> Result<Option<Arc<AgentBinary>>, Problem> {
        self.look(targets::for_machine(system, machine)?.as_deref())
    }

    /// The targets that are installed or prepared.
    ///
    /// # Errors
    /// There is no cargo, or the toolchain cannot be read.
    pub fn targets(&self) -> Result<Vec<String>, Problem> {
        match &self.supply {
            Supply::Project(project) => targets::installed(&project.package()?.sysroot()?),
            Supply::Prepared(prepared) => Ok(prepared.targets().map(str::to_owned).collect()),
        }
    }

    /// The whole program for a target, which can be a coordinator too; always asks cargo.
    ///
    /// # Errors
    /// The target is not installed, the build fails, or the agents were prepared.
    pub fn whole(&self, target: &str) -> Result<Vec<u8>, Problem> {
        match &self.supply {
            Supply::Project(project) => project.whole(target),
            Supply::Prepared(_) => {
                Err(Problem::new(code::PREPARED_DIFFER, "prepared binaries cannot be built again"))
            }
        }
    }

    /// The file of a binary that [`get`](Self::get) gave.
    pub fn path(&self, binary: &AgentBinary) -> Option<PathBuf> {
        match &self.supply {
            Supply::Project(project) => Some(project.cache().ok()?.path(&binary.target)),
            Supply::Prepared(prepared) => prepared.path_of(&binary.target),
        }
    }
}

/// A project whose agents are built.
#[derive(Debug)]
struct Project {
    root: PathBuf,
    program: Program,
    package: OnceLock<Result<Package, Problem>>,
    notes: Notes,
}

impl Project {
    fn get(&self, target: Option<&str>) -> Result<Arc<AgentBinary>, Problem> {
        let cache = self.cache()?;
        match self.fresh(&cache, target)? {
            Some(fresh) => self.checked(fresh),
            None => self.build(&cache, target),
        }
    }

    fn fresh(&self, cache: &Cache, target: Option<&str>) -> Result<Option<Fresh>, Problem> {
        match target {
            Some(target) => cache.fresh(target),
            None => cache.fresh_default(),
        }
    }

    fn look(&self, target: Option<&str>) -> Result<Option<Arc<AgentBinary>>, Problem> {
        if let Some(fresh) = self.fresh(&self.cache()?, target)? {
            return self.checked(fresh).map(Some);
        }
        require_target(target, &self.package()?.sysroot()?).map(|_| None)
    }

    fn build(&self, cache: &Cache, target: Option<&str>) -> Result<Arc<AgentBinary>, Problem> {
        let package = self.package()?;
        let sysroot = package.sysroot()?;
        let target = &*require_target(target, &sysroot)?;
        let locked = cache.lock(target)?;
        if let Some(fresh) = locked.fresh()? {
            return self.checked(fresh);
        }
        let directory = self.target_directory()?;
        let built = package.build(&self.program, target, &directory, Part::Agent, &self.notes)?;
        let mut bytes = std::fs::read(&built).map_err(|error| unreadable(&built, &error))?;
        let listed = dep_info::of_program(&built).map_err(|error| unreadable(&built, &error))?;
        let inputs = Inputs {
            listed: listed.unwrap_or_default(),
            directory: package.directory.clone(),
            sysroot,
        };
        // What is changed from here on shows in the stamp; what was changed while cargo built may
        // be in the one program and not in the other.
        let stamp = inputs.stamp(target)?;
        self.program.require_current(&inputs.listed, &self.root)?;
        let build = self.build_id(&inputs.listed)?;
        bytes.extend(trailer::of_build(&build).into_bytes());
        locked.store(&bytes, build, stamp, inputs)
    }

    /// The whole program, with its build id.
    fn whole(&self, target: &str) -> Result<Vec<u8>, Problem> {
        let package = self.package()?;
        targets::require_installed(target, &package.sysroot()?)?;
        let directory = self.target_directory()?;
        let built = package.build(&self.program, target, &directory, Part::Whole, &self.notes)?;
        let mut bytes = std::fs::read(&built).map_err(|error| unreadable(&built, &error))?;
        let listed = dep_info::of_program(&built).map_err(|error| unreadable(&built, &error))?;
        let listed = listed.unwrap_or_default();
        self.program.require_current(&listed, &self.root)?;
        bytes.extend(trailer::of_build(&self.build_id(&listed)?).into_bytes());
        Ok(bytes)
    }

    /// A binary for which there is nothing to do, if it is of the same sources as the program.
    fn checked(&self, fresh: Fresh) -> Result<Arc<AgentBinary>, Problem> {
        self.program.require_current(&fresh.listed, &self.root)?;
        self.require_build(&fresh.binary.build)?;
        Ok(fresh.binary)
    }

    /// The build id of the present sources, which must be the one of the running program.
    fn build_id(&self, listed: &[PathBuf]) -> Result<String, Problem> {
        let build = Sources::of(listed)?.build_id()?;
        self.require_build(&build)?;
        Ok(build)
    }

    fn require_build(&self, build: &str) -> Result<(), Problem> {
        let Origin::Prepared(own) = &self.program.origin else { return Ok(()) };
        if build == own {
            return Ok(());
        }
        let message = format!(
            "this program is build {}, the project's sources are build {}",
            short(own),
            short(build)
        );
        Err(Problem::new(code::PROGRAM_OUTDATED, message).hint(
            "start it with `cargo run`, or use the binaries that it came with: `--agents DIR`",
        ))
    }

    fn cache(&self) -> Result<Cache, Problem> {
        Ok(Cache::new(&self.target_directory()?, &self.program.name))
    }

    fn target_directory(&self) -> Result<PathBuf, Problem> {
        match &self.program.origin {
            Origin::Cargo(directory) => Ok(directory.clone()),
            Origin::Prepared(_) => Ok(self.package()?.target_directory.clone()),
        }
    }

    fn package(&self) -> Result<&Package, Problem> {
        let find = || {
            let sources = Sources::of(&self.program.listed)?;
            let packages = sources.packages().map(Path::to_owned);
            let run = system::variable("CARGO_MANIFEST_DIR").map(PathBuf::from);
            let workspace = match &self.program.origin {
                Origin::Cargo(directory) => directory.parent().map(Path::to_owned),
                Origin::Prepared(_) => None,
            };
            let directories = std::iter::once(self.root.clone());
            let directories = directories.chain(packages).chain(run).chain(workspace);
            Package::find(directories, &self.program)
        };
        self.package.get_or_init(find).as_ref().map_err(Problem::clone)
    }
}

/// The target to build for, which is installed; without a name the best for this machine.
fn require_target(target: Option<&str>, sysroot: &Path) -> Result<String, Problem> {
    let [best, other] = targets::defaults();
    let default = if targets::is_installed(&best, sysroot) { best } else { other };
    let target = target.map_or(default, str::to_owned);
    targets::require_installed(&target, sysroot)?;
    Ok(target)
}

fn unreadable(what: impl AsRef<Path>, error: &dyn Display) -> Problem {
    let problem =
        Problem::new(code::BUILD_FILES, format!("cannot read `{}`", what.as_ref().display()));
    Problem { causes: vec![error.to_string()], ..problem }
}

fn unwritable(what: &Path, error: &dyn Display) -> Problem {
    let problem = Problem::new(code::BUILD_FILES, format!("cannot write `{}`", what.display()));
    Problem { causes: vec![error.to_string()], ..problem }
}
