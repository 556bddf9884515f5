//! Writing a section that HAProxy has accepted.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Ownership;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::foreign;

use super::super::servers::Servers;
use super::super::workers::Workers;
use super::{haproxy, lines, reload};

/// A section: between two comments of the configuration, or a file of its own.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    /// Nothing: it is to be gone.
    pub(super) text: Option<String>,
    pub(super) config: HostPath,
    pub(super) directory: Option<HostPath>,
    pub(super) pid_file: HostPath,
    pub(super) servers: Servers,
}

impl Section {
    /// The file that holds the section.
    fn path(&self) -> HostPath {
        match &self.directory {
            Some(directory) => directory.join(format!("{}.cfg", self.name)),
            None => self.config.clone(),
        }
    }

    /// What that file holds, and what it is to hold; nothing where there is or is to be no file.
    fn texts(&self, probe: &Probe<'_>) -> Result<(Option<String>, Option<String>)> {
        let present = self.present(probe)?;
        let drained = self.servers.drained(probe);
        let wanted = self.text.as_ref().map(|text| lines::drained(text, &drained));
        if self.directory.is_some() {
            return Ok((present, wanted));
        }
        let missing = || format!("there is no `{}`", probe.local(&self.path()).display());
        let present = match (present, &wanted) {
            (None, None) => return Ok((None, None)),
            (present, _) => present.with_context(missing),
        };
        let present = present
            .hint("install the package `haproxy`, or add the file, in an earlier component")?;
        let wanted = with_block(&present, &self.name, wanted.as_deref())?;
        Ok((Some(present), Some(wanted)))
    }

    /// What the file holds now.
    fn present(&self, probe: &Probe<'_>) -> Result<Option<String>> {
        let path = self.path();
        Ok(match probe.entry(&path)? {
            Some(entry) if !entry.is_directory() => Some(probe.read_to_string(&path)?),
            _ => None,
        })
    }

    /// Changes the lines of some servers in the section as it is, has HAProxy use it, and gives the
    /// workers of before; nothing where there is no such line, or HAProxy does not run.
    fn change(
        &self,
        machine: &Machine<'_>,
        servers: &BTreeSet<Address>,
        edit: fn(&str, &BTreeSet<Address>) -> String,
    ) -> Result<Option<Workers>> {
        let _alone = machine.exclusive("haproxy");
        let Some(present) = self.present(machine)? else { return Ok(None) };
        let range = match &self.directory {
            Some(_) => Some(0..present.len()),
            None => block(&present, &self.name)?.map(|block| block.inner),
        };
        let range = range.filter(|range| lines::has_any(&present[range.clone()], servers));
        let Some(Range { start, end }) = range else { return Ok(None) };
        let section = edit(&present[start..end], servers);
        let text = format!("{}{section}{}", &present[..start], &present[end..]);
        self.try_out(machine, Some(&text))?;
        if text != present {
            machine.write(&self.path(), &text, &Ownership::default())?;
        }
        // A run that was killed may have written the file and not reloaded HAProxy.
        reload(machine, &self.pid_file)
    }

    /// Tests the configuration with the section as it is to be.
    fn try_out(&self, machine: &Machine<'_>, wanted: Option<&str>) -> Result {
        let path = self.path();
        let above = path.parent().context("the configuration has no directory")?;
        // HAProxy reads no file of a directory whose name begins with a dot.
        let candidate = above.join(format!(".togusa-{}.cfg", self.name));
        let local = |path: &HostPath| machine.local(path).display().to_string();
        let mut files = Vec::new();
        if let Some(directory) = &self.directory {
            files.push(self.config.clone());
            let names = machine.entry(directory)?.map(|_| machine.list(directory)).transpose()?;
            let is_config = |name: &&String| name.ends_with(".cfg") && !name.starts_with('.');
            let others = names.unwrap_or_default();
            let others = others.iter().filter(is_config).map(|name| directory.join(name));
            files.extend(others.filter(|other| *other != path));
        }
        if wanted.is_some() {
            files.push(candidate.clone());
        }
        let arguments: Vec<String> =
            files.iter().flat_map(|file| ["-f".to_owned(), local(file)]).collect();
        if let Some(wanted) = wanted {
            machine.replace(&candidate, wanted, &Ownership::mode(0o600))?;
        }
        let tried = machine.run(&haproxy(&arguments));
        machine.remove(&candidate)?;
        foreign::of_package(tried, "haproxy")
            .context("HAProxy refuses its configuration")
            .code(code::CONFIGURATION_REFUSED)
            .context("the section is not changed")
            .map(|_| ())
    }
}

fn marks(name: &str) -> (String, String) {
    (format!("# togusa: begin of backend {name}\n"), format!("# togusa: end of backend {name}\n"))
}

/// Where a block stands: with its comments, and without them.
struct Block {
    outer: Range<usize>,
    inner: Range<usize>,
}

/// The block of a name in a text.
fn block(text: &str, name: &str) -> Result<Option<Block>> {
    let (begin, end) = marks(name);
    let line_at = |mark: &str, from: usize| {
        let mut at = from;
        text[from..].split_inclusive('\n').find_map(|line| {
            let start = at;
            at += line.len();
            (line.trim_end() == mark.trim_end()).then_some((start, at))
        })
    };
    let Some((start, after)) = line_at(&begin, 0) else { return Ok(None) };
    let Some((before, stop)) = line_at(&end, after) else {
        return Err(fault!(
            code::EDIT_MARKERS,
            "the comment that ends backend `{name}` is missing"
        ))
        .hint("remove what is left of the backend, with the comment that begins it");
    };
    Ok(Some(Block { outer: start..stop, inner: after..before }))
}

/// A text in which the block of a name holds something else, or is gone.
fn with_block(text: &str, name: &str, wanted: Option<&str>) -> Result<String> {
    let (begin, end) = marks(name);
    let wanted = wanted.map(|wanted| format!("{begin}{wanted}{end}")).unwrap_or_default();
    let Some(Block { outer, .. }) = block(text, name)? else {
        let line = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let gap = if wanted.is_empty() { "" } else { "\n" };
        return Ok(match wanted.is_empty() {
            true => text.to_owned(),
            false => format!("{text}{line}{gap}{wanted}"),
        });
    };
    // The empty line that was put before it goes with it.
    let before = &text[..outer.start];
    let before =
        if wanted.is_empty() { before.strip_suffix('\n').unwrap_or(before) } else { before };
    Ok(format!("{before}{wanted}{}", &text[outer.end..]))
}

impl Component for Section {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.path().as_str().to_owned().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.servers.announce(scope);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Ok(match self.texts(probe)? {
            (Some(present), Some(wanted)) if present != wanted => {
                Verdict::stale(Change::text(&present, &wanted))
            }
            (None, Some(wanted)) => Verdict::stale(Change::create("file"))
                .and(Verdict::stale(Change::text("", &wanted))),
            (Some(_), None) => Verdict::stale(Change::remove("file")),
            _ => Verdict::current(),
        })
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = machine.exclusive("haproxy");
        let (_, wanted) = self.texts(machine)?;
        self.try_out(machine, wanted.as_deref())?;
        match wanted {
            Some(wanted) => machine.write(&self.path(), &wanted, &Ownership::default()),
            None => machine.remove(&self.path()),
        }
    }

    fn drain(&self, machine: &Machine<'_>, provided: &[Provider]) -> Result {
        let servers = self.servers.of(provided);
        match self.change(machine, &servers, lines::drained)? {
            Some(before) => self.servers.wait_for_end(machine, &servers, &before),
            None => Ok(()),
        }
    }

    fn restore(&self, machine: &Machine<'_>, provided: &[Provider]) -> Result {
        self.change(machine, &self.servers.of(provided), lines::restored).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_added_replaced_and_removed_and_nothing_else_changes() {
        let text = "global\n  x\n";
        let one = with_block(text, "one", Some("backend one\n")).unwrap();
        let expected = "global\n  x\n\n# togusa: begin of backend one\nbackend one\n\
                        # togusa: end of backend one\n";
        assert_eq!(one, expected);
        assert_eq!(with_block(&one, "one", Some("backend one\n")).unwrap(), one);
        let both = with_block(&one, "on", Some("backend on\n")).unwrap();
        assert!(both.starts_with(&one), "{both}");
        let changed = with_block(&both, "one", Some("backend one\n  y\n")).unwrap();
        assert_eq!(changed, both.replace("backend one\n#", "backend one\n  y\n#"));
        let back = with_block(&changed, "one", None).unwrap();
        assert_eq!(with_block(&back, "on", None).unwrap(), text);
        assert_eq!(with_block(text, "none", None).unwrap(), text);
        assert_eq!(with_block("x", "a", Some("y\n")).unwrap().lines().next(), Some("x"));
    }

    #[test]
    fn a_block_without_an_end_is_an_error() {
        let broken = format!("{}backend a\n", marks("a").0);
        let error = with_block(&broken, "a", Some("x\n")).unwrap_err();
        assert!(format!("{error:#}").contains("the comment that ends backend `a` is missing"));
    }
}
