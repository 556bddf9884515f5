//! Servers of a load balancer that belong to providers, and how their use is ended.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use togusa_core::prelude::*;

use crate::resolved::resolve;
use crate::waiting::{seconds, wait};

use super::connections;
use super::workers::Workers;

/// How long it is waited by default until nothing is under way to a server.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

const INTERVAL: Duration = Duration::from_millis(50);

/// How long there must have been no connection while workers of before are still there: one of them
/// may have taken a request that it has not passed on yet.
const QUIET: Duration = Duration::from_secs(1);

/// Which servers belong to whom.
#[derive(Debug)]
pub(super) struct Servers {
    owned: Vec<(Provider, Address)>,
    timeout: Duration,
}

impl Default for Servers {
    fn default() -> Self {
        Self { owned: Vec::new(), timeout: DRAIN_TIMEOUT }
    }
}

impl Servers {
    pub(super) fn add(&mut self, provider: &Provider, address: &Address) {
        self.owned.push((provider.clone(), address.clone()));
    }

    pub(super) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Says that the component drains all of their providers.
    pub(super) fn announce(&self, scope: &mut Scope<'_>) {
        self.owned.iter().for_each(|(provider, _)| scope.drains(provider));
    }

    /// The servers that are out of use at the moment.
    pub(super) fn drained(&self, probe: &Probe<'_>) -> BTreeSet<Address> {
        self.select(|provider| probe.drained(provider))
    }

    /// The servers of some providers.
    pub(super) fn of(&self, providers: &[Provider]) -> BTreeSet<Address> {
        self.select(|provider| providers.contains(provider))
    }

    fn select(&self, is_meant: impl Fn(&Provider) -> bool) -> BTreeSet<Address> {
        let meant = self.owned.iter().filter(|(provider, _)| is_meant(provider));
        meant.map(|(_, address)| address.clone()).collect()
    }

    /// Waits until nothing is under way to servers that get nothing new: the workers that may still
    /// pass something on to them are gone, or have no connection to them any more. When the time is
    /// up it says so, and leaves the rest to whatever is done with the servers.
    pub(super) fn wait_for_end(
        &self,
        machine: &Machine<'_>,
        servers: &BTreeSet<Address>,
        before: &Workers,
    ) -> Result {
        let mut targets = BTreeSet::new();
        for server in servers {
            targets.extend(resolve(machine, &server.host, server.port)?);
        }
        let (mut quiet_since, mut open) = (None, 0);
        let ended = wait(machine, self.timeout, INTERVAL, || {
            if before.are_gone() {
                return Ok(Ok(()));
            }
            open = connections::to(&targets)?;
            if open > 0 {
                quiet_since = None;
                return Ok(Err(String::new()));
            }
            let since = *quiet_since.get_or_insert_with(Instant::now);
            Ok(if since.elapsed() >= QUIET { Ok(()) } else { Err(String::new()) })
        })?;
        if ended.is_err() && open > 0 {
            let names: Vec<_> = servers.iter().map(Address::to_string).collect();
            let (time, names) = (seconds(self.timeout), names.join(", "));
            let are = if open == 1 { "connection is" } else { "connections are" };
            machine.tell(format!(
                "{open} {are} still open after {time} to what is taken out of use: {names}"
            ));
        }
        Ok(())
    }
}
