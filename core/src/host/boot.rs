//! Which start of the system this is.

use std::fs;

use crate::boot::Boot;
use crate::host::exec::process::Process;

/// The present start of the system that this process runs on.
pub(crate) fn boot() -> Boot {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let first_process = Process::get(1).map(|first| first.started);
    Boot { id: id.trim().to_owned(), first_process }
}

#[cfg(test)]
mod tests {
    use super::boot;

    #[test]
    fn a_start_of_the_system_stays_the_same_while_it_lasts() {
        assert!(boot().is_known() && boot().is_same(&boot()));
    }
}
