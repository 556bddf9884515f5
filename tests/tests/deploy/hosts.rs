//! What is on the hosts of a lab after a deployment of the subject.

use std::time::{Duration, Instant};

use togusa_tests::lab::{Host, Process};
use togusa_tests::lab_subject::{GATE, config};

/// Where a deployment lies on a host.
pub const TARGET: &str = "~/deployment/subject/test";

/// Where the agent keeps binaries and assets.
pub const STORE: &str = "~/.cache/togusa";

/// What a killed run may have left of an upload or of a file.
const UNFINISHED: [&str; 3] = [".push-", ".new-", ".togusa-"];

/// Waits for what is not told, and panics if it does not come.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "{what} does not come to be");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Lets gated updates go on, those of later runs too.
pub fn open_gates<'a>(hosts: impl IntoIterator<Item = &'a Host>) {
    hosts.into_iter().for_each(|host| host.write(GATE, ""));
}

/// Lets gated updates wait.
pub fn close_gates<'a>(hosts: impl IntoIterator<Item = &'a Host>) {
    hosts.into_iter().for_each(|host| drop(host.sh(&format!("rm -f {GATE}"))));
}

/// The agents that run.
pub fn agents(host: &Host) -> Vec<Process> {
    let mut found = host.processes_with(" agent --digest ");
    // Not the shell that is about to become one.
    found.retain(|process| !process.command.starts_with("sh "));
    found
}

/// Waits until no agent runs and the lock of the target directory can be had.
#[track_caller]
pub fn wait_for_the_end_on(host: &Host) {
    wait_until(&format!("the end of the agent on {}", host.name()), || agents(host).is_empty());
    assert!(lock_is_free(host), "{} is still locked", host.name());
}

/// Whether the lock of the target directory can be had. One that was never taken can.
pub fn lock_is_free(host: &Host) -> bool {
    let script = format!("cd {TARGET}/.togusa 2>/dev/null || exit 0; flock -n lock true");
    host.command("sh").args(["-c", &script]).output().status.success()
}

/// What components have written down.
pub fn log(host: &Host) -> Vec<String> {
    if !host.exists("~/log") {
        return Vec::new();
    }
    host.read("~/log").lines().map(str::to_owned).collect()
}

/// How often a line was written down.
pub fn times(host: &Host, line: &str) -> usize {
    log(host).iter().filter(|found| *found == line).count()
}

/// Nothing on the host is there in parts: each configuration has one of these contents, and what is
/// named by its digest has it.
#[track_caller]
pub fn assert_whole(host: &Host, texts: &[&str]) {
    let texts: Vec<_> = texts.iter().map(|text| config(text)).collect();
    let configurations = format!("find {TARGET}/work -name conf 2>/dev/null || :");
    for path in host.sh(&configurations).lines() {
        let content = host.read(path);
        let length = content.len();
        assert!(texts.contains(&content), "`{path}` of {} has {length} bytes", host.name());
    }
    let script = format!(
        "cd {STORE} 2>/dev/null || exit 0
         for file in $(find . -type f ! -name '.*' ! -name '*.json'); do
             digest=$(sha256sum <$file)
             [ \"${{digest%% *}}\" = \"${{file##*/}}\" ] || echo $file
         done"
    );
    assert_eq!(host.sh(&script), "", "{} has parts of uploads", host.name());
}

/// The sizes of the files that are in a directory of the store, or are about to be, in bytes.
pub fn sizes(host: &Host, directory: &str) -> Vec<u64> {
    // What is renamed in the middle of it is seen the next time.
    let found =
        host.sh(&format!("find {STORE}/{directory} -type f -printf '%s\\n' 2>/dev/null || :"));
    found.lines().map(|size| size.parse().unwrap()).collect()
}

/// Files of a deployment that were still being written.
pub fn unfinished(host: &Host) -> Vec<String> {
    let names: Vec<_> = UNFINISHED.iter().map(|name| format!("-name '{name}*'")).collect();
    let names = names.join(" -o ");
    let script = format!("find {TARGET} {STORE} ! -name .togusa \\( {names} \\) 2>/dev/null || :");
    host.sh(&script).lines().map(str::to_owned).collect()
}
