//! What all components that converge on one host share.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::assets::AssetStore;
use crate::environment::Host;
use crate::event::Event;
use crate::host::Shared;
use crate::host::staged::Programs;
use crate::interrupt::Interrupt;
use crate::names::RootName;
use crate::secret::KnownSecrets;
use crate::template::RenderTable;

/// One host while it converges: what its components share within a run.
pub struct HostSite {
    /// The project's name.
    pub project: String,
    /// The environment's name.
    pub environment: String,
    /// The host as the environment describes it.
    pub host: Host,
    /// The home directory of the converging user.
    pub home: PathBuf,
    /// The agent's own directory for this host: `TARGET/.togusa`.
    pub state: PathBuf,
    /// Homes and addresses for templates.
    pub render_table: Arc<RenderTable>,
    /// The contents of assets.
    pub assets: Arc<dyn AssetStore>,
    /// The request to stop.
    pub interrupt: Interrupt,
    /// Where events go.
    pub events: Arc<dyn Fn(Event) + Send + Sync>,
    /// What the components share in memory; starts out empty.
    pub shared: Shared,
    /// What a test has put in the place of programs.
    pub(crate) programs: Option<Programs>,
    /// All secrets that the host was handed.
    pub(crate) secrets: Arc<KnownSecrets>,
    /// Those of each root.
    pub(crate) secrets_of_roots: BTreeMap<RootName, Arc<KnownSecrets>>,
}

impl HostSite {
    /// A path of this host as a real one.
    pub fn local(&self, path: &crate::path::HostPath) -> PathBuf {
        PathBuf::from(path.expand(&self.home.to_string_lossy()))
    }

    /// The secrets that a root has.
    pub(crate) fn secrets_of(&self, root: &RootName) -> &KnownSecrets {
        self.secrets_of_roots.get(root).unwrap_or(&self.secrets)
    }

    /// Where the records of running commands lie.
    pub fn running(&self) -> PathBuf {
        self.state.join("running")
    }

    /// The agent's own directory.
    pub fn state(&self) -> &Path {
        &self.state
    }
}

impl fmt::Debug for HostSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostSite({})", self.host.name)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Read;
    use std::sync::Mutex;

    use super::*;
    use crate::assets::{Asset, AssetError, AssetKind};
    use crate::digest::Digest;
    use crate::host::{Machine, Probe};
    use crate::names::{Breadcrumb, RootId};
    use crate::path::HostPath;

    /// A host in a temporary directory: its home is there, and what it does is recorded.
    pub(crate) struct TestSite {
        pub(crate) site: HostSite,
        pub(crate) events: Arc<Mutex<Vec<Event>>>,
        root: RootId,
        breadcrumb: Breadcrumb,
        assets: Arc<TestAssets>,
        directory: tempfile::TempDir,
    }

    #[derive(Default)]
    struct TestAssets(Mutex<Vec<(Digest, Vec<u8>)>>);

    impl crate::assets::AssetStore for TestAssets {
        fn open(&self, asset: &Asset) -> Result<Box<dyn Read>, AssetError> {
            let assets = self.0.lock().unwrap();
            let found = assets.iter().find(|(digest, _)| *digest == asset.digest);
            match found {
                Some((_, content)) => Ok(Box::new(std::io::Cursor::new(content.clone()))),
                None => Err(AssetError::Gone { name: asset.name.clone(), digest: asset.digest }),
            }
        }
    }

    impl TestSite {
        pub(crate) fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let home = directory.path().join("home");
            std::fs::create_dir(&home).unwrap();
            let events = Arc::new(Mutex::new(Vec::new()));
            let sink = Arc::clone(&events);
            let assets = Arc::new(TestAssets::default());
            let mut table = RenderTable::default();
            table.homes.insert("web".into(), home.display().to_string());
            let site = HostSite {
                project: "shop".into(),
                environment: "test".into(),
                host: Host::local("web", "~"),
                home,
                state: directory.path().join("state"),
                render_table: Arc::new(table),
                assets: Arc::clone(&assets) as Arc<dyn AssetStore>,
                interrupt: Interrupt::default(),
                events: Arc::new(move |event| sink.lock().unwrap().push(event)),
                shared: Shared::default(),
                programs: None,
                secrets: Arc::default(),
                secrets_of_roots: BTreeMap::new(),
            };
            Self {
                site,
                events,
                root: RootId::new("web", "app"),
                breadcrumb: "App".into(),
                assets,
                directory,
            }
        }

        pub(crate) fn probe(&self) -> Probe<'_> {
            Probe::new(&self.site, &self.root, &self.breadcrumb)
        }

        pub(crate) fn machine(&self) -> Machine<'_> {
            Machine::new(self.probe())
        }

        /// A path in the home.
        pub(crate) fn path(&self, below: &str) -> HostPath {
            HostPath::new(&"web".into(), format!("~/{below}"))
        }

        /// The same as a real path.
        pub(crate) fn file(&self, below: &str) -> PathBuf {
            self.directory.path().join("home").join(below)
        }

        /// An asset with the given content.
        pub(crate) fn asset(&self, name: &str, content: &[u8]) -> Asset {
            let digest = Digest::of(content);
            self.assets.0.lock().unwrap().push((digest, content.to_owned()));
            let (size, kind) = (content.len() as u64, AssetKind::of(content));
            Asset { name: name.into(), digest, size, executable: false, kind, sensitive: false }
        }

        /// Lets the store give another content for an asset than its digest says.
        pub(crate) fn corrupt(&self, asset: &Asset) {
            for (digest, content) in &mut *self.assets.0.lock().unwrap() {
                if *digest == asset.digest {
                    content.push(b'!');
                }
            }
        }
    }

    /// Waits until something holds; fails the test when it does not for long.
    #[track_caller]
    pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !holds() {
            assert!(std::time::Instant::now() < deadline, "still not: {what}");
            std::thread::yield_now();
        }
    }
}
