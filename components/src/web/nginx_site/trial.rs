//! Writing a site that nginx has accepted.

use std::borrow::Cow;
use std::collections::BTreeSet;

use togusa_core::host::{self, Ownership};
use togusa_core::prelude::*;
use togusa_core::template::Rendered;

use crate::content::Content;
use crate::file::File;

use super::super::nginx_reload::{reload, test};
use super::super::servers::Servers;
use super::super::workers::Workers;
use super::upstream;

/// The file of a site, which is tested within the whole configuration before it is written.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) file: File,
    pub(super) config: HostPath,
    pub(super) pid_file: Option<HostPath>,
    /// The path by which nginx finds the site.
    pub(super) included: HostPath,
    pub(super) is_used: bool,
    pub(super) servers: Servers,
}

impl Trial {
    /// What the file is to hold, with the servers out of use that are drained.
    fn wanted(&self, probe: &Probe<'_>) -> Result<Content<'_>> {
        let content = self.file.wanted(probe)?;
        let drained = self.servers.drained(probe);
        if drained.is_empty() {
            return Ok(content);
        }
        let sensitive = content.is_sensitive(probe);
        let read;
        let bytes = match &content {
            Content::Asset(asset) => {
                read = probe.asset(asset)?;
                read.as_slice()
            }
            Content::Bytes(bytes) => bytes,
            Content::Rendered(rendered) => rendered.text.as_bytes(),
        };
        let text = std::str::from_utf8(bytes).context("the site is not UTF-8")?;
        let text = upstream::drained(text, &drained);
        Ok(Content::Rendered(Rendered { text, sensitive }))
    }

    /// Changes the lines of some servers in the file as it is, has nginx use it, and gives the workers
    /// of before; nothing where there is no such line, or nginx does not run.
    fn change(
        &self,
        machine: &Machine<'_>,
        servers: &BTreeSet<Address>,
        edit: fn(&str, &BTreeSet<Address>) -> String,
    ) -> Result<Option<Workers>> {
        let _alone = machine.exclusive("nginx");
        let path = self.file.path();
        if !machine.entry(path)?.is_some_and(|entry| entry.is_file()) {
            return Ok(None);
        }
        let present = machine.read_to_string(path)?;
        if !upstream::has_any(&present, servers) {
            return Ok(None);
        }
        let text = edit(&present, servers);
        if text != present {
            if machine.entry(&self.included)?.is_some() {
                self.try_out(machine, (&text).into())?;
            }
            machine.write(path, &text, &Ownership::default())?;
        }
        // A run that was killed may have written the file and not reloaded nginx.
        reload(machine, &self.config, self.pid_file.as_ref())
    }

    /// Tests the configuration with a new site, which is not in its place yet.
    fn try_out(&self, machine: &Machine<'_>, site: host::Content<'_>) -> Result {
        let included = &self.included;
        let text = machine.read_to_string(&self.config)?;
        let beside = self.config.parent().context("the configuration has no directory")?;
        let name = included.file_name();
        // Patterns of nginx match no name that begins with a dot.
        let (candidate, config) = (format!(".togusa-{name}.site"), format!(".togusa-{name}.conf"));
        let (candidate, config) = (beside.join(candidate), beside.join(config));
        let local = |path: &HostPath| machine.local(path).display().to_string();
        let directory = included.parent().context("the site has no directory")?;
        let others: Vec<_> = match machine.entry(&directory)? {
            Some(_) => {
                machine.list(&directory)?.iter().map(|other| directory.join(other)).collect()
            }
            None => Vec::new(),
        };
        let others: Vec<_> = others.iter().filter(|other| *other != included).map(local).collect();
        let spelled_out =
            spell_out(&text, &local(&beside), &local(included), &others, &local(&candidate));
        let spelled_out = spelled_out.with_context(|| {
            format!("`{}` includes no `{}`", local(&self.config), local(included))
        });
        let spelled_out = spelled_out.hint(format!(
            "add `include {}/*;` to its `http` block, or choose another layout",
            local(&directory)
        ))?;
        let private = Ownership::mode(0o600);
        let tried = machine
            .replace(&candidate, site, &private)
            .and_then(|()| machine.replace(&config, &spelled_out, &private))
            .and_then(|()| test(machine, &config));
        machine.remove(&candidate)?;
        machine.remove(&config)?;
        tried.context("the site is not changed")
    }
}

/// A configuration in which the `include` that covers a site names its file in another place, and
/// each of the others; nothing if there is none.
fn spell_out(
    text: &str,
    directory: &str,
    included: &str,
    others: &[String],
    candidate: &str,
) -> Option<String> {
    let mut found = false;
    let mut result = String::new();
    for line in text.lines() {
        let pattern =
            line.trim().strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t']));
        let pattern = pattern.and_then(|rest| rest.split(';').next()).map(str::trim);
        let pattern = pattern.map(|pattern| match pattern.starts_with('/') {
            true => pattern.to_owned(),
            false => format!("{directory}/{pattern}"),
        });
        let pattern = pattern.and_then(|pattern| glob::Pattern::new(&pattern).ok());
        let options = glob::MatchOptions {
            require_literal_separator: true,
            require_literal_leading_dot: true,
            ..glob::MatchOptions::new()
        };
        let covers = |path: &str| {
            pattern.as_ref().is_some_and(|pattern| pattern.matches_with(path, options))
        };
        if found || !covers(included) {
            result += &format!("{line}\n");
            continue;
        }
        found = true;
        for other in others.iter().map(String::as_str).filter(|other| covers(other)) {
            result += &format!("include {other};\n");
        }
        result += &format!("include {candidate};\n");
    }
    found.then_some(result)
}

impl Component for Trial {
    fn key(&self) -> Option<Cow<'_, str>> {
        self.file.key().map(|key| key.into_owned().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.servers.announce(scope);
        self.file.configure(scope)
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.file.verify_with(probe, &self.wanted(probe)?)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = machine.exclusive("nginx");
        let wanted = self.wanted(machine)?;
        if self.is_used {
            self.try_out(machine, wanted.to_write())?;
        }
        self.file.update_with(machine, &wanted)
    }

    fn drain(&self, machine: &Machine<'_>, provided: &[Provider]) -> Result {
        let servers = self.servers.of(provided);
        match self.change(machine, &servers, upstream::drained)? {
            Some(before) => self.servers.wait_for_end(machine, &servers, &before),
            None => Ok(()),
        }
    }

    fn restore(&self, machine: &Machine<'_>, provided: &[Provider]) -> Result {
        self.change(machine, &self.servers.of(provided), upstream::restored).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_include_that_covers_a_site_is_spelled_out() {
        let others = ["/etc/nginx/sites-enabled/a".to_owned()];
        let spelled = |text: &str| {
            let site = "/etc/nginx/sites-enabled/b";
            spell_out(text, "/etc/nginx", site, &others, "/new")
        };
        let expected = "http {\ninclude /etc/nginx/sites-enabled/a;\ninclude /new;\n}\n";
        for pattern in ["/etc/nginx/sites-enabled/*", "sites-enabled/*", "sites-enabled/[ab]"] {
            let text = format!("http {{\n\tinclude {pattern}; # all\n}}\n");
            assert_eq!(spelled(&text).as_deref(), Some(expected), "{pattern}");
        }
        assert_eq!(spelled("http {\n# include sites-enabled/*;\n}\n"), None);
        assert_eq!(spelled("include sites-enabled/*.conf;\nincludes sites-enabled/*;\n"), None);
        let alone = spelled("include sites-enabled/b;\n");
        assert_eq!(alone.as_deref(), Some("include /new;\n"));
    }
}
