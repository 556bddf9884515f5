//! What rollouts ask of roots: whether they are healthy, to take others out of use, to put them back.

use std::sync::Arc;

use crate::assets::AssetStore;
use crate::engine;
use crate::engine::transport::Transport as _;
use crate::names::RootId;
use crate::problem::Problem;
use crate::protocol::CallKind;

use super::Harness;
use super::run::Homes;

impl Harness {
    /// Asks all components of all roots once whether they are healthy; a rollout would ask again
    /// until they are. Each root that is not is named with the reason.
    ///
    /// # Panics
    /// The model is wrong.
    #[track_caller]
    pub fn unhealthy(&self) -> Vec<String> {
        let model = self.model();
        let roots = model.roots.keys().filter(|root| !model.is_ignored(root));
        let asked = roots.map(|root| (root, self.ask(root, CallKind::Health)));
        let masks = self.masks();
        asked
            .filter_map(|(root, answer)| Some((root, answer.err()?)))
            .map(|(root, problem)| masks.mask(&format!("{root}: {problem}")))
            .collect()
    }

    /// All components must be healthy.
    ///
    /// # Panics
    /// They are not; the reasons are shown.
    #[track_caller]
    pub fn assert_healthy(&self) {
        let unhealthy = self.unhealthy();
        assert!(unhealthy.is_empty(), "not all is healthy:\n\n{}", unhealthy.join("\n\n"));
    }

    /// A root must be unhealthy, and say a text about it.
    ///
    /// # Panics
    /// All are healthy, or one is unhealthy for another reason.
    #[track_caller]
    pub fn assert_unhealthy(&self, text: &str) {
        let told = self.unhealthy().join("\n\n");
        assert!(!told.is_empty(), "something was to be unhealthy of `{text}`, but all is healthy");
        assert!(told.contains(text), "something was to be unhealthy of `{text}`, but:\n\n{told}");
    }

    /// Has a root take an instance of another out of use, as a rollout does before it updates that:
    /// `harness.drain(&harness.root("lb", "balancer"), &harness.root("app1", "app"))`. It stays so
    /// until it is put back, or a deployment does so.
    ///
    /// # Panics
    /// It failed, or there was nothing to do: the root has not converged, or does not say of the
    /// instance that it drains it.
    #[track_caller]
    pub fn drain(&self, root: &RootId, instance: &RootId) {
        let instances = vec![instance.clone()];
        match self.ask(root, CallKind::Drain { instances }) {
            Ok(drained) => assert!(
                drained.contains(instance),
                "`{root}` took nothing out of use: it drains no provider of `{instance}`, or has not \
                 converged yet"
            ),
            Err(problem) => panic!("`{root}` did not take `{instance}` out of use:\n\n{problem}"),
        }
    }

    /// Has a root put an instance of another back into use.
    ///
    /// # Panics
    /// It failed.
    #[track_caller]
    pub fn restore(&self, root: &RootId, instance: &RootId) {
        let instances = vec![instance.clone()];
        if let Err(problem) = self.ask(root, CallKind::Restore { instances }) {
            panic!("`{root}` did not put `{instance}` back into use:\n\n{problem}");
        }
    }

    /// Converges, has a root take an instance of another out of use and put it back, each twice as
    /// after a run that was killed: neither is drift to its `verify`.
    ///
    /// # Panics
    /// Something failed, or `verify` wants to undo it.
    #[track_caller]
    pub fn assert_drains(&self, root: &RootId, instance: &RootId) {
        self.assert_converges();
        for _ in 0..2 {
            self.drain(root, instance);
            let plan = self.plan();
            plan.assert_success();
            assert!(plan.changes().is_empty(), "what is drained is drift:\n\n{plan}");
        }
        for _ in 0..2 {
            self.restore(root, instance);
            let plan = self.plan();
            plan.assert_success();
            assert!(plan.changes().is_empty(), "what was put back is drift:\n\n{plan}");
        }
    }

    #[track_caller]
    fn ask(&self, root: &RootId, kind: CallKind) -> Result<Vec<RootId>, Problem> {
        let (model, assets) = self.configured();
        *self.lock_secrets() = Arc::clone(&model.secrets);
        assert!(model.roots.contains_key(root), "the harness has no root `{root}`");
        let assets: Arc<dyn AssetStore> = assets;
        let homes = Homes::new(self, &assets);
        let connection = homes.connect(&model.environment.hosts[&root.host], &|_| {})?;
        let names = model.environment.hosts.keys();
        let homes = names.map(|name| (name.clone(), self.home(name).display().to_string()));
        engine::ask(&model, connection, &homes.collect(), root, kind, &mut |_| {})
    }
}
