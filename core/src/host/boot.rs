//! Which start of the system this is.

use std::fs;
use std::sync::OnceLock;

use crate::host::exec::process::Process;
use crate::system;

/// What tells this start of the system from others; empty where it does not say.
pub(crate) fn boot() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(read)
}

fn read() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    match (id.trim(), Process::get(1)) {
        // Elsewhere than on Linux the time of the start is all there is.
        ("", _) => boot_time().unwrap_or_default(),
        // A container has the id of the machine that it runs on: its own start is that of its first
        // process.
        (id, Some(first)) => format!("{id} {}", first.started),
        (id, None) => id.to_owned(),
    }
}

fn boot_time() -> Option<String> {
    let output = system::program("sysctl").args(["-n", "kern.boottime"]).output().ok()?;
    let told = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| told.trim().to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_start_of_the_system_has_a_name_that_stays() {
        assert!(!super::boot().is_empty());
        assert_eq!(super::boot(), super::read());
    }
}
