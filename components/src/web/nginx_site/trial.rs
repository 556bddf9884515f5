//! Writing a site that nginx has accepted.

use std::borrow::Cow;

use togusa_core::host::Ownership;
use togusa_core::prelude::*;

use crate::file::File;

use super::super::nginx_reload::test;

/// The file of a site, which is tested within the whole configuration before it is written.
#[derive(Debug)]
pub(super) struct Trial {
    file: File,
    config: HostPath,
    /// The path by which nginx is to find the site; nothing: it is not to be used.
    included: Option<HostPath>,
}

impl Trial {
    pub(super) fn new(file: File, config: HostPath, included: Option<HostPath>) -> Self {
        Self { file, config, included }
    }

    /// Tests the configuration with a new site, which is not in its place yet.
    fn try_out(&self, machine: &Machine<'_>, included: &HostPath) -> Result {
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
            .replace(&candidate, self.file.wanted(machine)?.to_write(), &private)
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
        self.file.configure(scope)
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.file.verify(probe)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = machine.exclusive("nginx");
        if let Some(included) = &self.included {
            self.try_out(machine, included)?;
        }
        self.file.update(machine)
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
