//! What an environment says of itself.

use std::collections::BTreeMap;

use togusa_core::prelude::*;

use super::requirements::normalized;

/// How many links are followed from the environment to its interpreter.
const LINKS: usize = 16;

/// An environment on a host.
pub(super) struct Environment<'a> {
    pub(super) path: &'a HostPath,
    pub(super) user: Option<&'a str>,
}

impl Environment<'_> {
    /// The version that it was made for, such as `3.11`; `None` if it is no whole environment.
    pub(super) fn made_for(&self, probe: &Probe<'_>) -> Result<Option<String>> {
        let config = self.path.join("pyvenv.cfg");
        if probe.entry(&config)?.is_none() {
            return Ok(None);
        }
        let Some(version) = version_in_config(&probe.read_to_string(&config)?) else {
            return Ok(None);
        };
        Ok(probe.entry(&self.packages(&version))?.map(|_| version))
    }

    fn packages(&self, version: &str) -> HostPath {
        self.path.join(format!("lib/python{version}/site-packages"))
    }

    /// The version of its interpreter; `None` if it is gone.
    pub(super) fn interpreter(&self, probe: &Probe<'_>) -> Result<Option<String>> {
        let python = self.path.join("bin/python");
        let mut path = python.clone();
        for _ in 0..LINKS {
            let Some(entry) = probe.entry(&path)? else { return Ok(None) };
            if !entry.is_symlink() {
                break;
            }
            let target = probe.read_link(&path)?.display().to_string();
            let directory = path.parent().context("a link has no directory")?;
            path = match target.starts_with('/') {
                true => HostPath::new(path.host(), target),
                false => directory.join(target),
            };
        }
        if let Some(version) = version_in_name(path.file_name()) {
            return Ok(Some(version.to_owned()));
        }
        // Its name does not tell, so it is asked.
        let tell = "import sys; print('%d.%d' % sys.version_info[:2])";
        let exec = Exec::new(probe.local(&python).display().to_string()).args(["-I", "-c", tell]);
        let exec = match self.user {
            Some(user) => exec.user(user),
            None => exec,
        };
        // One that cannot run is as good as gone.
        let told = probe.query(&exec).ok().map(|output| output.stdout_text());
        Ok(told.map(|version| version.trim().to_owned()))
    }

    /// The packages that are installed, by their normalized names.
    pub(super) fn installed(&self, probe: &Probe<'_>) -> Result<BTreeMap<String, String>> {
        let version = self.made_for(probe)?.context("there is no whole virtual environment")?;
        let names = probe.list(&self.packages(&version))?;
        let found = names.iter().filter_map(|name| {
            let (name, version) = name.strip_suffix(".dist-info")?.split_once('-')?;
            Some((normalized(name), version.to_owned()))
        });
        Ok(found.collect())
    }
}

/// The `3.11` of `python3.11`.
pub(super) fn version_in_name(name: &str) -> Option<&str> {
    let version = name.strip_prefix("python")?;
    let (major, minor) = version.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(major) && is_number(minor)).then_some(version)
}

/// The `3.11` of `version = 3.11.2`, or of `version_info = …`, which uv writes.
fn version_in_config(config: &str) -> Option<String> {
    let value = config.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        matches!(name.trim(), "version" | "version_info").then(|| value.trim())
    })?;
    let mut parts = value.split('.');
    Some(format!("{}.{}", parts.next()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names_and_from_the_configuration() {
        assert_eq!(version_in_name("python3.11"), Some("3.11"));
        for name in ["python3", "python", "python3.11-dbg", "pypy3.10", "python3.11.2"] {
            assert_eq!(version_in_name(name), None, "{name}");
        }
        let config = "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n";
        assert_eq!(version_in_config(config).as_deref(), Some("3.11"));
        let uv = "home = /usr/bin\nimplementation = CPython\nuv = 0.4.0\nversion_info = 3.12.1\n";
        assert_eq!(version_in_config(uv).as_deref(), Some("3.12"));
        assert_eq!(version_in_config("home = /usr/bin\n"), None);
    }
}
