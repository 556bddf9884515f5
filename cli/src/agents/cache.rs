//! The binaries that were built, beside what tells whether they are still right.
//!
//! They lie in `TARGET_DIRECTORY/togusa/PROGRAM`, in four files for each target: `TRIPLE`,
//! `TRIPLE.gz`, the record `TRIPLE.json` and `TRIPLE.lock`. To look into them costs less than to
//! ask cargo, which takes 0.3 s to find that there is nothing to do.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use togusa_core::digest::Digest;
use togusa_core::problem::Problem;

use super::binary::{AgentBinary, compress};
use super::files::write;
use super::sources::{Sources, fingerprint};
use super::{settings, targets, unreadable, unwritable};

/// The directory of the binaries of one program.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
}

/// What a binary was built from.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The files that cargo listed.
    pub listed: Vec<PathBuf>,
    /// Where cargo was started.
    pub directory: PathBuf,
    /// The directory of the toolchain.
    pub sysroot: PathBuf,
}

/// A binary that is right as it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Fresh {
    /// The binary.
    pub binary: Arc<AgentBinary>,
    /// Its sources, as cargo listed them.
    pub listed: Vec<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    /// The directory of the cache: a copy of it elsewhere tells of the sources of the original.
    place: PathBuf,
    /// Differs as soon as the inputs do.
    stamp: String,
    build: String,
    digest: String,
    size: u64,
    compressed_size: u64,
    inputs: Inputs,
}

impl Inputs {
    /// A text that differs as soon as a binary for the target has to be built again.
    ///
    /// # Errors
    /// A directory of the sources cannot be read.
    pub fn stamp(&self, target: &str) -> Result<String, Problem> {
        let sources = Sources::of(&self.listed)?;
        let mut text = format!("{:?} {:?}\n", self, settings::variables(target));
        // The toolchain was updated, or a target installed.
        let toolchain = ["lib", "lib/rustlib"].map(|name| self.sysroot.join(name));
        let settings = settings::files(&self.directory);
        for file in settings.iter().chain(&toolchain) {
            text += &fingerprint(file);
        }
        for file in sources.files() {
            text += &fingerprint(file);
        }
        Ok(Digest::of(text.as_bytes()).to_string())
    }
}

impl Cache {
    /// The binaries of a program in cargo's target directory.
    pub fn new(target_directory: &Path, program: &str) -> Self {
        Self { directory: target_directory.join("togusa").join(program) }
    }

    /// Whether anything was ever built here.
    pub fn exists(&self) -> bool {
        self.directory.is_dir()
    }

    /// The file of the uncompressed binary.
    pub fn path(&self, target: &str) -> PathBuf {
        self.directory.join(target)
    }

    /// The sources of the program, if one of its binaries is right as it is.
    pub fn listed(&self) -> Option<Vec<PathBuf>> {
        // Without a directory nothing was built.
        let entries = std::fs::read_dir(&self.directory).ok()?.flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut targets = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
        targets.find_map(|target| {
            let record = self.record(&target)?;
            let is_fresh = record.inputs.stamp(&target).ok()? == record.stamp;
            is_fresh.then_some(record.inputs.listed)
        })
    }

    /// The binary for this machine's architecture, if it is right as it is.
    ///
    /// # Errors
    /// It is right but cannot be read.
    pub fn fresh_default(&self) -> Result<Option<Fresh>, Problem> {
        let [best, other] = targets::defaults();
        if let Some(binary) = self.fresh(&best)? {
            return Ok(Some(binary));
        }
        match self.record(&other) {
            Some(record) if !targets::is_installed(&best, &record.inputs.sysroot) => {
                self.fresh(&other)
            }
            _ => Ok(None),
        }
    }

    /// The binary for a target, if it is right as it is.
    ///
    /// # Errors
    /// It is right but cannot be read.
    pub fn fresh(&self, target: &str) -> Result<Option<Fresh>, Problem> {
        let lock = self.file(target, "lock");
        match File::open(&lock) {
            Ok(file) => {
                file.lock_shared().map_err(|error| unreadable(&lock, &error))?;
                self.read(target)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&lock, &error)),
        }
    }

    /// Waits until no other process builds for the target, and lets none begin.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn lock(&self, target: &str) -> Result<Locked<'_>, Problem> {
        let failed = |error| unwritable(&self.directory, &error);
        std::fs::create_dir_all(&self.directory).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let file = options.open(self.file(target, "lock")).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(Locked { cache: self, target: target.to_owned(), _file: file })
    }

    fn read(&self, target: &str) -> Result<Option<Fresh>, Problem> {
        let Some(record) = self.record(target) else { return Ok(None) };
        // Sources that cannot be read are told by cargo, which is asked then.
        if record.inputs.stamp(target).ok().as_ref() != Some(&record.stamp) {
            return Ok(None);
        }
        let path = self.file(target, "gz");
        let compressed = match std::fs::read(&path) {
            Ok(compressed) => compressed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&path, &error)),
        };
        let is_whole =
            compressed.len() as u64 == record.compressed_size && self.path(target).is_file();
        Ok(is_whole.then(|| {
            let Record { build, digest, size, inputs, .. } = record;
            let target = target.to_owned();
            let binary = Arc::new(AgentBinary { digest, target, size, compressed, build });
            Fresh { binary, listed: inputs.listed }
        }))
    }

    /// The record of a target; what is no record is as good as none, since cargo is asked then.
    fn record(&self, target: &str) -> Option<Record> {
        let record = serde_json::from_slice(&std::fs::read(self.file(target, "json")).ok()?);
        record.ok().filter(|record: &Record| record.place == self.directory)
    }

    fn file(&self, target: &str, kind: &str) -> PathBuf {
        self.directory.join(format!("{target}.{kind}"))
    }
}

/// The right to write the binary of a target.
#[derive(Debug)]
pub struct Locked<'a> {
    cache: &'a Cache,
    target: String,
    _file: File,
}

impl Locked<'_> {
    /// The binary, if it is right as it is; another process may just have built it.
    ///
    /// # Errors
    /// It is right but cannot be read.
    pub fn fresh(&self) -> Result<Option<Fresh>, Problem> {
        self.cache.read(&self.target)
    }

    /// Keeps a binary that was built from these inputs, as they were when they had the stamp.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn store(
        &self,
        bytes: &[u8],
        build: String,
        stamp: String,
        inputs: Inputs,
    ) -> Result<Arc<AgentBinary>, Problem> {
        let digest = Digest::of(bytes).to_string();
        let compressed_file = self.cache.file(&self.target, "gz");
        let known = self.cache.record(&self.target).filter(|record| record.digest == digest);
        let kept = known.and_then(|record| {
            let kept = std::fs::read(&compressed_file).ok()?;
            (kept.len() as u64 == record.compressed_size).then_some(kept)
        });
        let compressed = match kept {
            Some(kept) => kept,
            None => compress(bytes).map_err(|error| unwritable(&compressed_file, &error))?,
        };
        let size = bytes.len() as u64;
        let compressed_size = compressed.len() as u64;
        let record = Record {
            place: self.cache.directory.clone(),
            stamp,
            build: build.clone(),
            digest: digest.clone(),
            size,
            compressed_size,
            inputs,
        };
        let record_file = self.cache.file(&self.target, "json");
        let record =
            serde_json::to_vec(&record).map_err(|error| unwritable(&record_file, &error))?;
        write(&self.cache.path(&self.target), bytes, 0o755)?;
        write(&compressed_file, &compressed, 0o644)?;
        // The last: as long as it is the old one, cargo is asked again.
        write(&record_file, &record, 0o644)?;
        Ok(Arc::new(AgentBinary { digest, target: self.target.clone(), size, compressed, build }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Setup {
        directory: tempfile::TempDir,
        cache: Cache,
    }

    impl Setup {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let cache = Cache::new(directory.path(), "shop");
            let setup = Self { directory, cache };
            setup.write("shop/Cargo.toml", "package.name = 'shop'");
            setup.write("shop/src/main.rs", "");
            setup
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        fn inputs(&self) -> Inputs {
            let at = |name: &str| self.directory.path().join(name);
            let listed = vec![at("shop/src/main.rs")];
            Inputs { listed, directory: at("shop"), sysroot: at("sysroot") }
        }

        fn fresh(&self, target: &str) -> Option<Arc<AgentBinary>> {
            self.cache.fresh(target).unwrap().map(|fresh| fresh.binary)
        }

        fn store(&self, target: &str) -> Arc<AgentBinary> {
            let inputs = self.inputs();
            let stamp = inputs.stamp(target).unwrap();
            self.cache.lock(target).unwrap().store(b"program", "b".into(), stamp, inputs).unwrap()
        }
    }

    #[test]
    fn a_copy_elsewhere_is_not_fresh() {
        let setup = Setup::new();
        setup.store("t");
        let elsewhere = Cache::new(&setup.directory.path().join("copy"), "shop");
        let (from, to) = (&setup.cache.directory, &elsewhere.directory);
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            std::fs::copy(from.join(&name), to.join(&name)).unwrap();
        }
        assert!(setup.fresh("t").is_some());
        assert_eq!(elsewhere.fresh("t").unwrap(), None);
        assert_eq!(elsewhere.listed(), None);
    }

    #[test]
    fn what_was_built_is_fresh_until_an_input_changes() {
        for change in [
            "shop/src/main.rs",
            "shop/src/more.rs",
            "shop/Cargo.toml",
            "shop/.cargo/config.toml",
            "rust-toolchain.toml",
            "sysroot/lib/rustlib/t/lib/libstd.rlib",
        ] {
            let setup = Setup::new();
            assert_eq!(setup.cache.fresh("t").unwrap(), None);
            let stored = setup.store("t");
            assert_eq!(setup.fresh("t"), Some(stored), "{change}");
            setup.write("shop/src/app.conf", "an asset");
            assert!(setup.cache.fresh("t").unwrap().is_some(), "{change}");
            setup.write(change, "package.name = 'changed'");
            assert_eq!(setup.cache.fresh("t").unwrap(), None, "{change}");
        }
    }

    #[test]
    fn a_file_that_is_broken_or_gone_is_built_again() {
        for (name, text) in
            [("t.json", Some("{")), ("t.gz", Some("cut")), ("t.gz", None), ("t", None)]
        {
            let setup = Setup::new();
            setup.store("t");
            let path = setup.cache.directory.join(name);
            match text {
                Some(text) => std::fs::write(path, text).unwrap(),
                None => std::fs::remove_file(path).unwrap(),
            }
            assert_eq!(setup.cache.fresh("t").unwrap(), None, "{name} {text:?}");
            setup.store("t");
            assert!(setup.cache.fresh("t").unwrap().is_some(), "{name} {text:?}");
        }
    }

    #[test]
    fn the_default_is_musl_as_soon_as_it_is_installed() {
        let setup = Setup::new();
        let [best, other] = targets::defaults();
        setup.store(&other);
        assert_eq!(setup.cache.fresh_default().unwrap().unwrap().binary.target, other);
        setup.write(&format!("sysroot/lib/rustlib/{best}/lib/libstd.rlib"), "");
        setup.store(&other);
        assert_eq!(setup.cache.fresh_default().unwrap(), None);
        setup.store(&best);
        assert_eq!(setup.cache.fresh_default().unwrap().unwrap().binary.target, best);
    }

    #[test]
    fn who_comes_while_another_builds_waits_for_it() {
        let setup = Setup::new();
        let locked = setup.cache.lock("t").unwrap();
        let lock = File::open(setup.cache.file("t", "lock")).unwrap();
        assert!(matches!(lock.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| setup.cache.fresh("t"));
            let inputs = setup.inputs();
            let stamp = inputs.stamp("t").unwrap();
            let stored = locked.store(b"program", "b".into(), stamp, inputs).unwrap();
            drop(locked);
            assert_eq!(waiting.join().unwrap().unwrap().unwrap().binary, stored);
        });
    }
}
