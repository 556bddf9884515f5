//! Paths as the kernel names them.

use togusa_core::prelude::*;

/// More links than this are a circle, as for the kernel.
const LINKS: usize = 40;

/// Where a path leads in the end, if all links on the way are followed.
pub(super) fn real(probe: &Probe<'_>, path: &str) -> Result<String> {
    let host = &probe.host().name;
    let mut real = String::new();
    let mut left: Vec<String> = parts(path);
    let mut links = 0;
    while let Some(part) = left.pop() {
        let here = HostPath::new(host, format!("{real}/{part}"));
        let is_link = probe.entry(&here)?.is_some_and(|entry| entry.is_symlink());
        if !is_link || links == LINKS {
            real = here.as_str().to_owned();
            continue;
        }
        links += 1;
        let target = probe.read_link(&here)?.display().to_string();
        let target = if target.starts_with('/') { target } else { format!("{real}/{target}") };
        left.extend(parts(&target));
        real.clear();
    }
    Ok(if real.is_empty() { "/".to_owned() } else { real })
}

/// The parts of a path, the last one first.
fn parts(path: &str) -> Vec<String> {
    let plain = without_dots(path);
    plain.split('/').rev().filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A path without `.`, `..` and doubled slashes.
pub(super) fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
