//! Writing a site that Caddy has accepted.

use std::borrow::Cow;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Ownership;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::file::File;
use crate::foreign;

use super::super::caddy_reload::{caddy, load};
use super::super::text_source::bytes;

/// The file of a site, which is tried within the whole configuration before it is written.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) file: File,
    pub(super) config: HostPath,
    /// Whether the file has a group that may read it.
    pub(super) has_group: bool,
    /// Whether a Caddy that runs is to use it before it is written.
    pub(super) reload: bool,
}

impl Trial {
    /// Tries the configuration with a new site, which is not in its place yet.
    fn try_out(&self, machine: &Machine<'_>, site: togusa_core::host::Content<'_>) -> Result {
        let path = self.file.path();
        let text = read(machine, &self.config)?;
        let beside = self.config.parent().context("the configuration has no directory")?;
        let name = path.file_name();
        // Beside the configuration, from where relative paths within it count; no pattern of an
        // `import` finds a name that begins with a dot.
        let (candidate, config) = (format!(".togusa-{name}"), format!(".togusa-{name}.conf"));
        let (candidate, config) = (beside.join(candidate), beside.join(config));
        let local = |path: &HostPath| machine.local(path).display().to_string();
        let directory = path.parent().context("the site has no directory")?;
        let names = machine.entry(&directory)?.map(|_| machine.list(&directory)).transpose()?;
        let others = names.unwrap_or_default().into_iter().map(|other| directory.join(other));
        let others: Vec<_> =
            others.filter(|other| other != path).map(|other| local(&other)).collect();
        let own = local(&beside);
        let spelled_out = spell_out(&text, &own, &local(path), &others, &local(&candidate));
        let private = Ownership::mode(0o600);
        let tried = machine
            .replace(&candidate, site, &private)
            .and_then(|()| machine.replace(&config, &spelled_out, &private))
            .and_then(|()| self.test(machine, &config));
        machine.remove(&candidate)?;
        machine.remove(&config)?;
        tried.context("the site is not changed")
    }

    /// Has Caddy read a configuration, and use it where it runs: so it is seen by its own user, with all
    /// that it needs.
    fn test(&self, machine: &Machine<'_>, config: &HostPath) -> Result {
        let adapted = machine.query(&caddy(machine, "adapt", config));
        foreign::of_package(adapted, "caddy")
            .context("Caddy refuses its configuration")
            .code(code::CONFIGURATION_REFUSED)?;
        match self.reload {
            true => load(machine, &self.config, config, false),
            false => Ok(()),
        }
    }
}

/// The configuration of Caddy.
pub(super) fn read(probe: &Probe<'_>, config: &HostPath) -> Result<String> {
    let missing = || format!("there is no `{}`", probe.local(config).display());
    probe
        .entry(config)?
        .with_context(missing)
        .code(code::NO_FILE)
        .hint("install the package `caddy`, or add the file, in an earlier component")?;
    probe.read_to_string(config)
}

/// The pattern of an `import` at the outermost level, as a whole path.
fn imported(line: &str, directory: &str) -> Option<glob::Pattern> {
    // What stands within a block is indented, by `caddy fmt` at least.
    let pattern = line.strip_prefix("import")?;
    let pattern = pattern.strip_prefix([' ', '\t'])?.split_whitespace().next()?;
    let pattern = pattern.trim_matches(['"', '`']);
    let pattern = match pattern.starts_with('/') {
        true => pattern.to_owned(),
        false => format!("{directory}/{pattern}"),
    };
    glob::Pattern::new(&pattern).ok()
}

fn covers(pattern: &glob::Pattern, path: &str) -> bool {
    let options = glob::MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..glob::MatchOptions::new()
    };
    pattern.matches_with(path, options)
}

/// Whether a configuration imports a file.
pub(super) fn imports(text: &str, directory: &str, path: &str) -> bool {
    text.lines().filter_map(|line| imported(line, directory)).any(|pattern| covers(&pattern, path))
}

/// A configuration in which the `import` that covers a site names its file in another place, and each of
/// the others; it gets one if it has none.
fn spell_out(
    text: &str,
    directory: &str,
    site: &str,
    others: &[String],
    candidate: &str,
) -> String {
    let mut found = false;
    let mut result = String::new();
    for line in text.lines() {
        let pattern = imported(line, directory).filter(|pattern| !found && covers(pattern, site));
        let Some(pattern) = pattern else {
            result += &format!("{line}\n");
            continue;
        };
        found = true;
        for other in others.iter().filter(|other| covers(&pattern, other)) {
            result += &format!("import {other}\n");
        }
        result += &format!("import {candidate}\n");
    }
    if !found {
        result += &format!("import {candidate}\n");
    }
    result
}

impl Component for Trial {
    fn key(&self) -> Option<Cow<'_, str>> {
        self.file.key().map(|key| key.into_owned().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.file.configure(scope)
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.file.verify(probe)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = machine.exclusive("caddy");
        let wanted = self.file.wanted(machine)?;
        if !self.has_group && self.file.is_sensitive(&wanted, machine) {
            let hidden = fault!(
                code::OPTION_MISSING,
                "the site holds a secret, and Caddy could not read it"
            );
            return Err(hidden).hint("let Caddy's own user read it, by `.group(\"caddy\")`");
        }
        if bytes(&wanted, machine)?.windows(2).any(|pair| pair == b"{$") {
            let odd =
                "the site holds `{$`, which stands for a variable of whoever has Caddy load it";
            return Err(fault!(code::OPTION_VALUE, "{odd}"))
                .hint("write `{env.NAME}` for a variable of Caddy, or fill in a template");
        }
        self.try_out(machine, wanted.to_write())?;
        self.file.update_with(machine, &wanted)
    }
}

/// The line of the configuration by which it imports the sites of a directory.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) config: HostPath,
    pub(super) site: HostPath,
}

impl Import {
    /// What the configuration holds, and what it is to hold.
    fn texts(&self, probe: &Probe<'_>) -> Result<(String, String)> {
        let present = read(probe, &self.config)?;
        let local = |path: &HostPath| probe.local(path).display().to_string();
        let beside = self.config.parent().context("the configuration has no directory")?;
        if imports(&present, &local(&beside), &local(&self.site)) {
            return Ok((present.clone(), present));
        }
        let directory = self.site.parent().context("the site has no directory")?;
        let line = if present.is_empty() || present.ends_with('\n') { "" } else { "\n" };
        let wanted = format!("{present}{line}import {}/*.caddyfile\n", local(&directory));
        Ok((present, wanted))
    }
}

impl Component for Import {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.config.as_str().into())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let (present, wanted) = self.texts(probe)?;
        let differs = present != wanted;
        Ok(differs.then(|| Change::text(&present, &wanted)).into_iter().collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = machine.exclusive("caddy");
        let (_, wanted) = self.texts(machine)?;
        machine.write(&self.config, &wanted, &Ownership::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_import_that_covers_a_site_is_spelled_out() {
        let others = ["/etc/caddy/Caddyfile.d/a.caddyfile".to_owned()];
        let spelled = |text: &str| {
            let site = "/etc/caddy/Caddyfile.d/b.caddyfile";
            spell_out(text, "/etc/caddy", site, &others, "/new")
        };
        let expected = "{\n}\nimport /etc/caddy/Caddyfile.d/a.caddyfile\nimport /new\n";
        for pattern in ["Caddyfile.d/*.caddyfile", "/etc/caddy/Caddyfile.d/*", "\"Caddyfile.d/*\""]
        {
            assert_eq!(spelled(&format!("{{\n}}\nimport {pattern}\n")), expected, "{pattern}");
        }
        assert_eq!(
            spelled("a {\n\timport Caddyfile.d/*\n}\n"),
            "a {\n\timport Caddyfile.d/*\n}\nimport /new\n"
        );
        assert_eq!(spelled("# import Caddyfile.d/*"), "# import Caddyfile.d/*\nimport /new\n");
        assert_eq!(spelled("import Caddyfile.d/b.caddyfile\n"), "import /new\n");
    }
}
