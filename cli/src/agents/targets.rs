//! Target triples: which binary runs where.

use std::path::Path;

use togusa_core::problem::{Problem, code};

use super::unreadable;

/// The architecture of this machine, as triples begin.
pub const HERE: &str = std::env::consts::ARCH;

/// The targets that a binary for this machine's architecture is built for, the best first: musl is
/// static by itself, glibc can be made so and is always installed.
pub fn defaults() -> [String; 2] {
    ["musl", "gnu"].map(|library| format!("{HERE}-unknown-linux-{library}"))
}

/// The target for what `uname -s` and `uname -m` said; `None` for this machine's architecture.
///
/// # Errors
/// No target is known.
pub fn for_machine(system: &str, machine: &str) -> Result<Option<String>, Problem> {
    let (system, machine) = (system.trim(), machine.trim());
    let (architecture, library) = match machine {
        "x86_64" | "amd64" => ("x86_64", "musl"),
        "aarch64" | "arm64" => ("aarch64", "musl"),
        "i386" | "i486" | "i586" | "i686" => ("i686", "musl"),
        "armv7l" | "armv8l" => ("armv7", "musleabihf"),
        "armv6l" => ("arm", "musleabihf"),
        "riscv64" => ("riscv64gc", "musl"),
        "ppc64le" => ("powerpc64le", "musl"),
        "loongarch64" => ("loongarch64", "musl"),
        "s390x" => ("s390x", "gnu"),
        _ => ("", ""),
    };
    if system != "Linux" || architecture.is_empty() {
        let problem = Problem::new(
            code::TARGET_UNKNOWN,
            format!("no target is known for a host that is `{system} {machine}`"),
        );
        return Err(problem.hint(
            "name one that runs there with `target = \"TRIPLE\"`, for the host or the environment; \
             `rustc --print target-list` shows all",
        ));
    }
    let here = architecture == HERE;
    Ok((!here).then(|| format!("{architecture}-unknown-linux-{library}")))
}

/// Whether programs of a target can be linked by Rust's own linker, with what Rust brings along.
pub fn links_by_itself(target: &str) -> bool {
    target.contains("-linux-musl")
}

/// Whether the C linker of this machine can link for a target.
pub fn is_of_here(target: &str) -> bool {
    let linux = target.contains("-linux-") && std::env::consts::OS == "linux";
    linux && target.split('-').next() == Some(HERE)
}

/// Refuses a target whose standard library is not installed.
///
/// # Errors
/// It is not; the hint says how to install it.
pub fn require_installed(target: &str, sysroot: &Path) -> Result<(), Problem> {
    if is_installed(target, sysroot) {
        return Ok(());
    }
    let mut problem = Problem::new(
        code::TARGET_NOT_INSTALLED,
        format!("cannot build for `{target}`: it is not installed"),
    );
    let place = sysroot.join("lib/rustlib").join(target);
    problem.causes.push(format!("`{}` is missing", place.display()));
    let shape = target.split('-').count() >= 3;
    Err(problem.hint(if shape {
        format!("run `rustup target add {target}`, or deploy with `--agents DIR` of a machine that has it")
    } else {
        "a target is a triple such as `aarch64-unknown-linux-musl`".to_owned()
    }))
}

/// The targets whose standard library is installed.
///
/// # Errors
/// The toolchain cannot be read.
pub fn installed(sysroot: &Path) -> Result<Vec<String>, Problem> {
    let place = sysroot.join("lib/rustlib");
    let entries = std::fs::read_dir(&place).map_err(|error| unreadable(&place, &error))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut targets: Vec<_> = names.filter(|name| is_installed(name, sysroot)).collect();
    targets.sort();
    Ok(targets)
}

/// Whether the standard library of a target is installed.
pub fn is_installed(target: &str, sysroot: &Path) -> bool {
    let is_name = target.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c));
    is_name && sysroot.join("lib/rustlib").join(target).join("lib").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_have_targets() {
        let target = |machine| for_machine("Linux\n", machine).unwrap();
        let here = |target: &str| (!target.starts_with(HERE)).then(|| target.to_owned());
        assert_eq!(target("x86_64"), here("x86_64-unknown-linux-musl"));
        assert_eq!(target("amd64"), target("x86_64"));
        assert_eq!(target("aarch64\n"), here("aarch64-unknown-linux-musl"));
        assert_eq!(target("armv7l"), Some("armv7-unknown-linux-musleabihf".to_owned()));
        assert_eq!(target("riscv64"), Some("riscv64gc-unknown-linux-musl".to_owned()));
        assert_eq!(target(HERE), None);
    }

    #[test]
    fn a_machine_that_nobody_knows_is_told_how_to_name_its_target() {
        for (system, machine) in [("SunOS", "sun4v"), ("Linux", "vax"), ("Darwin", "arm64")] {
            let problem = for_machine(system, machine).unwrap_err();
            assert!(problem.message.contains(&format!("`{system} {machine}`")), "{problem}");
            assert!(problem.hint.unwrap().contains("target = \"TRIPLE\""));
        }
    }

    #[test]
    fn a_target_that_is_not_installed_says_how_to_install_it() {
        let sysroot = tempfile::tempdir().unwrap();
        let target = "aarch64-unknown-linux-musl";
        let problem = require_installed(target, sysroot.path()).unwrap_err();
        let text = problem.to_string().replace(&sysroot.path().display().to_string(), "[sysroot]");
        insta::assert_snapshot!(text, @r"
        cannot build for `aarch64-unknown-linux-musl`: it is not installed
          1: `[sysroot]/lib/rustlib/aarch64-unknown-linux-musl` is missing
          hint: run `rustup target add aarch64-unknown-linux-musl`, or deploy with `--agents DIR` of a machine that has it
        ");
        std::fs::create_dir_all(sysroot.path().join("lib/rustlib").join(target).join("lib"))
            .unwrap();
        require_installed(target, sysroot.path()).unwrap();
        assert!(!is_installed("../rustlib/aarch64-unknown-linux-musl", sysroot.path()));
    }
}
