//! What only root may do.

use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::system;

/// Whether the converging user is root.
pub(crate) fn is_root() -> bool {
    system::user_id() == 0
}

/// Refuses what the system would refuse: `change accounts`, `install packages`.
pub(crate) fn require_root(probe: &Probe<'_>, to_do: &str) -> Result {
    if is_root() {
        return Ok(());
    }
    let user = probe.user_name(system::user_id());
    Err(fault!(code::NEEDS_ROOT, "only root may {to_do}, and this runs as `{user}`"))
        .hint("set `sudo = true` for the host, so that it converges as root")
}
