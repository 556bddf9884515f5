//! Limits of what users may take.

use std::borrow::Cow;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::tools;
use crate::config::SystemFile;
use crate::privilege::require_root;

/// All that can be limited, as `man limits.conf` has it.
const ITEMS: [&str; 19] = [
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "maxlogins",
    "maxsyslogins",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nonewprivs",
    "nproc",
    "priority",
    "rss",
    "rtprio",
    "sigpending",
    "stack",
];

/// Limits of one user, one group or all, which hold from the next login on.
///
/// It is a file `/etc/security/limits.d/togusa-NAME.conf`, which `pam_limits` reads. Services of systemd
/// have limits of their own, in their units.
///
/// | attribute | default |
/// |---|---|
/// | `soft` | none: a limit that users may raise up to the hard one |
/// | `hard` | none: a limit that only root may raise |
/// | `both` | none: the same for both |
/// | `absent` | no |
///
/// Values are numbers, in the unit that `man limits.conf` has for each item, `-1` or `unlimited`.
///
/// `verify` reads the file. `update` needs root, and no program; whoever logs in gets the limits if PAM
/// is configured to (Debian: it is). In a sandbox, where nobody reads the file, root is not needed.
///
/// **Needs**: root.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(PamLimit::user("shop").soft("nofile", 4096).hard("nofile", 65536));
///     scope.add(PamLimit::group("students").both("nproc", 200));
///     scope.add(PamLimit::all().both("core", 0));
///     scope.add(PamLimit::user("old").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct PamLimit {
    domain: String,
    limits: Vec<Limit>,
    absent: bool,
    file: Option<SystemFile>,
}

#[derive(Debug)]
struct Limit {
    kind: &'static str,
    item: String,
    value: String,
}

impl PamLimit {
    fn of(domain: String) -> Self {
        Self { domain, limits: Vec::new(), absent: false, file: None }
    }

    /// Limits of a user.
    pub fn user(name: impl Into<String>) -> Self {
        Self::of(name.into())
    }

    /// Limits of each member of a group.
    pub fn group(name: impl AsRef<str>) -> Self {
        Self::of(format!("@{}", name.as_ref()))
    }

    /// Limits of all users but root, as far as they have no others.
    pub fn all() -> Self {
        Self::of("*".into())
    }

    fn limit(mut self, kind: &'static str, item: impl Into<String>, value: impl ToString) -> Self {
        self.limits.push(Limit { kind, item: item.into(), value: value.to_string() });
        self
    }

    /// Sets a limit that users may raise.
    #[must_use]
    pub fn soft(self, item: impl Into<String>, value: impl ToString) -> Self {
        self.limit("soft", item, value)
    }

    /// Sets a limit that users cannot raise.
    #[must_use]
    pub fn hard(self, item: impl Into<String>, value: impl ToString) -> Self {
        self.limit("hard", item, value)
    }

    /// Sets both limits.
    #[must_use]
    pub fn both(self, item: impl Into<String>, value: impl ToString) -> Self {
        self.limit("-", item, value)
    }

    /// Removes the limits.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn file(&self) -> Result<&SystemFile> {
        self.file.as_ref().context("the limits were not configured").code(code::NOT_CONFIGURED)
    }

    /// What the file is named after.
    fn name(&self) -> String {
        match self.domain.strip_prefix('@') {
            Some(group) => format!("group-{group}"),
            None if self.domain == "*" => "all".into(),
            None => format!("user-{}", self.domain),
        }
    }

    fn text(&self) -> Option<String> {
        let line = |Limit { kind, item, value }: &Limit| {
            format!("{} {kind} {item} {value}\n", self.domain)
        };
        let lines: String = self.limits.iter().map(line).collect();
        (!self.absent).then(|| format!("# Kept by togusa.\n{lines}"))
    }

    fn check(&self) -> Result {
        match self.domain.strip_prefix('@') {
            Some(group) => tools::check_name("group", group)?,
            None if self.domain == "*" => {}
            None => tools::check_name("user", &self.domain)?,
        }
        if self.absent {
            return Ok(());
        }
        demand!(!self.limits.is_empty(), code::OPTION_MISSING, "no limit is given");
        for (at, Limit { kind, item, value }) in self.limits.iter().enumerate() {
            if !ITEMS.contains(&&**item) {
                return Err(fault!(code::OPTION_VALUE, "`{item}` cannot be limited"))
                    .hint(format!("it is one of {}", ITEMS.join(", ")));
            }
            let is_value =
                ["unlimited", "infinity"].contains(&&**value) || value.parse::<i64>().is_ok();
            demand!(
                is_value,
                code::OPTION_VALUE,
                "`{value}` cannot be the limit of `{item}`: a number, or `unlimited`"
            );
            let overlaps = |other: &Limit| {
                other.item == *item && (other.kind == *kind || other.kind == "-" || *kind == "-")
            };
            demand!(
                !self.limits[..at].iter().any(overlaps),
                code::OPTIONS_CLASH,
                "`{item}` is limited twice"
            );
        }
        Ok(())
    }
}

impl Component for PamLimit {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.domain).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        let path = format!("/etc/security/limits.d/togusa-{}.conf", self.name());
        self.file = Some(SystemFile::new(scope, &path));
        if !self.absent {
            scope.manages("pam-limit", &self.domain);
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.file()?.verify(probe, self.text().as_deref())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let file = self.file()?;
        if !file.is_sandboxed() {
            require_root(machine, "limit users")?;
            let directory =
                file.path().parent().map(|parent| machine.entry(&parent)).transpose()?;
            directory
                .flatten()
                .context("there is no directory `/etc/security/limits.d`")
                .code(code::NO_PROGRAM)
                .hint("install PAM before: package `libpam-modules` of Debian, `pam` of Fedora")?;
        }
        file.write(machine, self.text().as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_pam_reads_them() {
        let limits = PamLimit::user("shop").soft("nofile", 4096).hard("nofile", 65536);
        let text = "# Kept by togusa.\nshop soft nofile 4096\nshop hard nofile 65536\n";
        assert_eq!((limits.text().as_deref(), &*limits.name()), (Some(text), "user-shop"));
        let group = PamLimit::group("students").both("nproc", "unlimited");
        assert_eq!(group.text().unwrap(), "# Kept by togusa.\n@students - nproc unlimited\n");
        assert_eq!((group.name(), PamLimit::all().name()), ("group-students".into(), "all".into()));
    }

    #[test]
    fn what_cannot_be_a_limit_is_refused() {
        let limit = || PamLimit::user("shop");
        for (limit, words) in [
            (limit(), "no limit is given"),
            (limit().soft("files", 1), "`files` cannot be limited"),
            (limit().soft("nofile", "1k"), "`1k` cannot be the limit of `nofile`"),
            (limit().soft("nofile", 1).both("nofile", 2), "`nofile` is limited twice"),
            (PamLimit::user("a b").soft("nofile", 1), "`a b` cannot be the name of a user"),
        ] {
            let error = format!("{:#}", limit.check().unwrap_err());
            assert!(error.contains(words), "{error}");
        }
        assert!(limit().soft("nofile", 1).hard("nofile", 2).check().is_ok());
    }
}
