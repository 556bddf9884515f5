//! Locales.

use std::borrow::Cow;
use std::collections::BTreeSet;

use togusa_core::fault::CodeExt as _;
use togusa_core::host::Snapshot;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::edits::target::{Edit, Target};
use crate::foreign;
use crate::privilege::require_root;

/// A locale of the C library, which programs may choose; also the one that they get without choosing.
///
/// | attribute | default |
/// |---|---|
/// | `charset` | what follows the dot of the name; without one it must be given |
/// | `system_default` | no; else it is what `LANG` is for new logins |
/// | `absent` | no |
///
/// `verify` reads `/etc/locale.gen`, and runs `locale --all-locales` once for all locales of the host.
/// `update` needs root, edits that file, of which all other lines stay, and runs `locale-gen`; both
/// come with the package `locales` of Debian. On systems without them a locale comes with a package
/// of its own (`glibc-langpack-de` of Fedora), and only whether it is there can be looked at. The
/// default is the line `LANG=…` of `/etc/default/locale`, or of `/etc/locale.conf` where Debian is not.
///
/// In a sandbox only the files are looked after.
///
/// **Needs**: root; `locale`, `locale-gen`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Locale::new("de_DE.UTF-8").system_default());
///     scope.add(Locale::new("de_DE@euro").charset("ISO-8859-15"));
///     scope.add(Locale::new("fr_FR.UTF-8").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Locale {
    name: String,
    charset: Option<String>,
    system_default: bool,
    absent: bool,
    files: Option<Files>,
}

#[derive(Debug)]
struct Files {
    list: Target,
    /// Where the default is said on Debian, and elsewhere.
    defaults: [Target; 2],
    sandboxed: bool,
}

/// All locales that programs can choose, their charsets in the short form.
struct Available(BTreeSet<String>);

impl Snapshot for Available {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let asked = probe.query(&foreign::program("locale").arg("--all-locales"));
        let output = foreign::of_package(asked, "libc-bin")?;
        let text = output.stdout_text();
        Ok(Self(text.lines().map(short).collect()))
    }
}

/// As `locale --all-locales` prints a name: the charset without case and dashes.
fn short(name: &str) -> String {
    let (before, modifier) = match name.split_once('@') {
        Some((before, modifier)) => (before, format!("@{modifier}")),
        None => (name, String::new()),
    };
    let Some((language, charset)) = before.split_once('.') else { return name.to_owned() };
    let charset: String = charset.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{language}.{}{modifier}", charset.to_ascii_lowercase())
}

impl Locale {
    /// A locale by its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), charset: None, system_default: false, absent: false, files: None }
    }

    /// Sets the charset, for a name that does not say it.
    #[must_use]
    pub fn charset(mut self, name: impl Into<String>) -> Self {
        self.charset = Some(name.into());
        self
    }

    /// Makes it the one of new logins.
    #[must_use]
    pub fn system_default(mut self) -> Self {
        self.system_default = true;
        self
    }

    /// Takes it away.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn files(&self) -> Result<&Files> {
        self.files.as_ref().context("the locale was not configured").code(code::NOT_CONFIGURED)
    }

    /// As the list has it: `de_DE.UTF-8 UTF-8`.
    fn line(&self) -> Result<String> {
        let of_name = self.name.split('@').next().and_then(|name| name.split_once('.'));
        let charset = self.charset.as_deref().or(of_name.map(|(_, charset)| charset));
        let charset = charset.with_context(|| format!("locale `{}` has no charset", self.name));
        let charset = charset
            .code(code::OPTION_MISSING)
            .hint("name it in full, `de_DE.UTF-8`, or give it `.charset(…)`")?;
        Ok(format!("{} {charset}", self.name))
    }

    /// Whether programs can choose it. The built-in ones always are.
    fn is_available(&self, probe: &Probe<'_>) -> Result<bool> {
        Ok(probe.snapshot::<Available>()?.0.contains(&short(&self.name)))
    }

    fn default_file<'a>(&self, files: &'a Files, probe: &Probe<'_>) -> Result<&'a Target> {
        let [debian, others] = &files.defaults;
        let there = probe.entry(&HostPath::new(&probe.host().name, "/etc/debian_version"))?;
        Ok(if there.is_some() { debian } else { others })
    }

    /// Whether the host makes locales of a list.
    fn has_list(&self, probe: &Probe<'_>, files: &Files) -> Result<bool> {
        Ok(files.sandboxed || probe.entry(files.list.place.path())?.is_some())
    }

    fn no_list(&self) -> Result {
        let name = &self.name;
        let language = name.split('_').next().unwrap_or_default();
        Err(fault!(
            code::NO_PROGRAM,
            "the host has no `/etc/locale.gen` to change locale `{name}` by"
        ))
        .hint(format!(
            "install the package `locales` (Debian), or the one that has it \
             (`glibc-langpack-{language}` of Fedora), in an earlier component"
        ))
    }
}

/// Lists a locale, or puts a comment sign before it. All other lines stay.
fn edit_list(text: &str, wanted: &str, absent: bool) -> Edit {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let listed = |line: &str| words(line) == wanted;
    let proposed = |line: &str| {
        let line = line.trim_start();
        line.starts_with('#') && words(line.trim_start_matches('#')) == wanted
    };
    let is_listed = text.lines().any(listed);
    let none = Edit { text: text.to_owned(), changes: Some(Vec::new()) };
    if is_listed != absent {
        return none;
    }
    let mut left = true;
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        if absent && listed(line) {
            out.push_str(&format!("# {line}"));
        } else if !absent && left && proposed(line) {
            left = false;
            out.push_str(&format!("{wanted}\n"));
        } else {
            out.push_str(line);
        }
    }
    if !absent && left {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&format!("{wanted}\n"));
    }
    let change = match absent {
        true => Change::remove("line in locale.gen"),
        false => Change::create("line in locale.gen"),
    };
    Edit { text: out, changes: Some(vec![change]) }
}

/// Sets the line `LANG=…`.
fn edit_default(text: &str, name: &str) -> Edit {
    let wanted = format!("LANG={name}");
    let present = text.lines().rev().find_map(|line| line.trim().strip_prefix("LANG="));
    let present = present.map(|value| value.trim_matches('"'));
    if present == Some(name) {
        return Edit { text: text.to_owned(), changes: Some(Vec::new()) };
    }
    let is_other = |line: &&str| !line.trim().starts_with("LANG=");
    let mut out: String = text.lines().filter(is_other).map(|line| format!("{line}\n")).collect();
    out.push_str(&format!("{wanted}\n"));
    let change = Change::property("default", present.unwrap_or("none"), name);
    Edit { text: out, changes: Some(vec![change]) }
}

impl Component for Locale {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
        let name = &self.name;
        let is_name =
            name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain);
        demand!(is_name, code::NOT_A_NAME, "`{name}` cannot be the name of a locale");
        let line = self.line()?;
        demand!(
            line.split(' ').count() == 2,
            code::OPTION_VALUE,
            "`{line}` has no charset of one word"
        );
        demand!(
            !(self.absent && self.system_default),
            code::OPTIONS_CLASH,
            "`.system_default()` means nothing to an absent locale"
        );
        let target = |path: &str, scope: &mut Scope<'_>| -> Result<Target> {
            let mut target = Target::new(path);
            target.create = true;
            target.resolve("locale", scope)?;
            Ok(target)
        };
        let list = target("/etc/locale.gen", scope)?;
        let sandboxed = list.place.path().as_str() != "/etc/locale.gen";
        let defaults = [target("/etc/default/locale", scope)?, target("/etc/locale.conf", scope)?];
        self.files = Some(Files { list, defaults, sandboxed });
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let (files, line) = (self.files()?, self.line()?);
        let mut verdict = Verdict::current();
        let differs = !files.sandboxed && self.is_available(probe)? == self.absent;
        if differs {
            let what = format!("locale {}", self.name);
            verdict.push(if self.absent { Change::remove(what) } else { Change::create(what) });
        }
        if self.has_list(probe, files)? {
            let edit = |text: &str| Ok(edit_list(text, &line, self.absent));
            verdict = verdict.and(files.list.verify(probe, edit)?);
        } else if differs {
            self.no_list()?;
        }
        if self.system_default {
            let file = self.default_file(files, probe)?;
            let edit = |text: &str| Ok(edit_default(text, &self.name));
            verdict = verdict.and(file.verify(probe, edit)?);
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let (files, line) = (self.files()?, self.line()?);
        if !files.sandboxed {
            require_root(machine, "change locales")?;
        }
        // It makes all locales anew, into one archive.
        let _alone = machine.exclusive("locale-gen");
        if self.has_list(machine, files)? {
            files.list.update(machine, |text| Ok(edit_list(text, &line, self.absent)))?;
        }
        if !files.sandboxed && self.is_available(machine)? == self.absent {
            let ran = machine.run(&foreign::program("locale-gen"));
            foreign::of_package(ran, "locales")?;
            let made = self.is_available(machine)? != self.absent;
            let unmade = || format!("`locale-gen` ran, and did not change locale `{}`", self.name);
            made.then_some(())
                .with_context(unmade)
                .code(code::NO_LOCALE)
                .hint("`/usr/share/i18n/SUPPORTED` has all that it knows, with their charsets")?;
        }
        if self.system_default {
            let file = self.default_file(files, machine)?;
            file.update(machine, |text| Ok(edit_default(text, &self.name)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_listed_or_commented_out() {
        let wanted = "de_DE.UTF-8 UTF-8";
        let edited = |text: &str, absent: bool| {
            let once = edit_list(text, wanted, absent);
            assert_eq!(edit_list(&once.text, wanted, absent).changes, Some(Vec::new()));
            once.text
        };
        let text = "# This file\n# de_DE ISO-8859-1\n# de_DE.UTF-8 UTF-8\nen_US.UTF-8 UTF-8";
        let listed = "# This file\n# de_DE ISO-8859-1\nde_DE.UTF-8 UTF-8\nen_US.UTF-8 UTF-8";
        assert_eq!(edited(text, false), listed);
        assert_eq!(edited(listed, true), text);
        assert_eq!(edited("x", false), "x\nde_DE.UTF-8 UTF-8\n");
        assert_eq!(edited("x\n", true), "x\n");
    }

    #[test]
    fn the_default_is_one_line() {
        let edited = |text: &str| edit_default(text, "de_DE.UTF-8").text;
        assert_eq!(edited("LANG=C\nLC_TIME=C\n"), "LC_TIME=C\nLANG=de_DE.UTF-8\n");
        assert_eq!(edited("LANG=\"de_DE.UTF-8\"\n"), "LANG=\"de_DE.UTF-8\"\n");
        assert_eq!(edited(""), "LANG=de_DE.UTF-8\n");
    }

    #[test]
    fn a_name_is_found_as_it_is_printed() {
        for (name, printed) in [
            ("de_DE.UTF-8", "de_DE.utf8"),
            ("de_DE@euro", "de_DE@euro"),
            ("de_DE.ISO-8859-15@euro", "de_DE.iso885915@euro"),
            ("de_DE", "de_DE"),
        ] {
            assert_eq!(short(name), printed);
        }
    }
}
