//! The trait that every component implements.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;

use crate::attributes::SourceLocation;
use crate::host::{Machine, Probe};
use crate::preview::Preview;
use crate::problem::{Code, code};
use crate::resource::Provider;
use crate::scope::Scope;
use crate::verdict::Verdict;

/// The result of component code: any error can be raised with `?`, `context` and `hint` tell more.
pub type Result<T = (), E = anyhow::Error> = std::result::Result<T, E>;

/// One part of a deployment: it knows its sub-components, whether it is current, and how to become
/// so.
///
/// The three contexts give three powers. [`Scope`] can add sub-components and reach no host;
/// [`Probe`] can look at the host; [`Machine`] can change it.
///
/// `Debug` takes part in the digest of the model: its text must be the same in every process, which
/// the derived one is unless a field holds a `HashMap` or an address in memory.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a component",
    note = "write `impl Component for {Self} {{ … }}`; every method has a default"
)]
pub trait Component: Any + Debug + Send + Sync {
    /// What tells this component from its siblings of the same type: `nginx.conf` in
    /// `File("nginx.conf")`.
    fn key(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// Adds sub-components, provides and requires resources.
    ///
    /// It must be pure: it may run several times on the coordinator, and once more on the host.
    ///
    /// # Errors
    /// Whatever makes the component impossible as it is configured; shown with its breadcrumb.
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let _ = scope;
        Ok(())
    }

    /// Looks at the host and says what differs from what should be.
    ///
    /// The default finds nothing to judge: right for a composite, and for what only a trigger
    /// moves.
    ///
    /// # Errors
    /// Whatever makes it impossible to judge.
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let _ = probe;
        Ok(Verdict::current())
    }

    /// Makes the host as it should be; runs when [`verify`](Self::verify) found a difference or a
    /// trigger is pending.
    ///
    /// # Errors
    /// Whatever went wrong. The default is an error: nothing can be updated by it.
    fn update(&self, machine: &Machine<'_>) -> Result {
        let _ = machine;
        Err(NoUpdate.into())
    }

    /// Whether what the component looks after works, as far as it can be seen from its host.
    ///
    /// A rollout asks all components of an instance until they hold for the `settle` time of its
    /// environment, or its `timeout` is over. It looks only, and soon: what is not there yet is asked
    /// for again. The default finds nothing amiss.
    ///
    /// # Errors
    /// It does not work, or not yet; the error says what is seen instead.
    fn healthy(&self, probe: &Probe<'_>) -> Result {
        let _ = probe;
        Ok(())
    }

    /// Takes providers out of use, without dropping what is under way to them.
    ///
    /// Called for the providers that [`Scope::drains`] named, on the component's own host, before
    /// their instances are updated; never before the root has converged once. It changes what is on
    /// the host now: what the model wants of the component may be something new, whose time has not
    /// come. What is drained is asked for with [`Probe::drained`], there and in `verify`: it is kept
    /// on the host's disk, from before this call until [`restore`](Self::restore) has succeeded. It
    /// may be called again for what is drained already, where a run was killed in between.
    ///
    /// # Errors
    /// The providers are still in use. The default is an error.
    fn drain(&self, machine: &Machine<'_>, provided: &[Provider]) -> Result {
        let _ = (machine, provided);
        Err(NoDrain.into())
    }

    /// Puts providers back into use that [`drain`](Self::drain) has taken out.
    ///
    /// [`Probe::drained`] names them no more. It may be called for what is in use already, where a run
    /// was killed in between.
    ///
    /// # Errors
    /// The providers are still out of use. The default is an error.
    fn restore(&self, machine: &Machine<'_>, provided: &[Provider]) -> Result {
        let _ = (machine, provided);
        Err(NoDrain.into())
    }

    /// Where the component's own assets lie; default: beside the source of the nearest component
    /// above that derives `Attributes`.
    fn asset_source(&self) -> Option<SourceLocation> {
        None
    }

    /// The content of the file that the component manages, so that `show` can print it while no host
    /// is touched; converging does not ask for it. Default: there is none to show.
    fn preview(&self) -> Option<Preview<'_>> {
        None
    }
}

/// The component said that it drains, and has no way to.
#[derive(Debug, thiserror::Error)]
#[error("the component drains providers, and has no `drain` and `restore`")]
pub struct NoDrain;

impl NoDrain {
    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        code::NO_DRAIN
    }
}

/// The component must be updated and has no way to.
#[derive(Debug, thiserror::Error)]
#[error("the component has no `update`, but it is stale or a trigger is pending for it")]
pub struct NoUpdate;

impl NoUpdate {
    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        code::NO_UPDATE
    }
}
