//! Rules of sudo.

use std::borrow::Cow;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::tools;
use crate::config::SystemFile;
use crate::foreign;
use crate::privilege::require_root;

/// Who may run what as whom, by sudo: a file `/etc/sudoers.d/NAME`.
///
/// | attribute | default |
/// |---|---|
/// | `user`, `group` | none: at least one must be given, and may be several times |
/// | `command` | none: at least one must be given, with its full path, or `ALL` |
/// | `run_as` | `root`; a user, `user:group` or `ALL` |
/// | `no_password` | no: sudo asks for the user's own password |
/// | `set_env` | no: nobody sets variables for the command |
/// | `absent` | no |
///
/// `verify` reads the file, and `/etc/sudoers` for whether the directory is read at all. `update` has
/// `visudo --check`, of the package `sudo`, read the rule first: what it refuses never takes the place
/// of the old one, because a broken file keeps everybody from sudo. Both need root. In a sandbox,
/// where nobody reads the file, neither is needed.
///
/// **Needs**: root; `visudo`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let restart = SudoRule::new("deploy").user("deploy").no_password();
///     scope.add(restart.command("/usr/bin/systemctl restart shop"));
///     scope.add(SudoRule::new("admins").group("adm").command("ALL").run_as("ALL"));
///     let text = "Defaults:backup !requiretty\nbackup ALL=(root) NOPASSWD: /usr/bin/rsync\n";
///     scope.add(SudoRule::text("backup", text));
///     scope.add(SudoRule::new("old").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct SudoRule {
    name: String,
    who: Vec<String>,
    commands: Vec<String>,
    run_as: String,
    no_password: bool,
    set_env: bool,
    text: Option<String>,
    absent: bool,
    file: Option<SystemFile>,
}

impl SudoRule {
    /// A rule by the name of its file.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            who: Vec::new(),
            commands: Vec::new(),
            run_as: "root".into(),
            no_password: false,
            set_env: false,
            text: None,
            absent: false,
            file: None,
        }
    }

    /// Rules as `man sudoers` has them, for what the methods do not say.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::new(name) }
    }

    /// Lets a user do it.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.who.push(name.into());
        self
    }

    /// Lets all members of a group do it.
    #[must_use]
    pub fn group(mut self, name: impl AsRef<str>) -> Self {
        self.who.push(format!("%{}", name.as_ref()));
        self
    }

    /// Adds a command: `/usr/bin/systemctl restart shop`; without arguments any are allowed.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }

    /// Sets as whom.
    #[must_use]
    pub fn run_as(mut self, user: impl Into<String>) -> Self {
        self.run_as = user.into();
        self
    }

    /// Asks for no password.
    #[must_use]
    pub fn no_password(mut self) -> Self {
        self.no_password = true;
        self
    }

    /// Lets the user set variables for the command.
    #[must_use]
    pub fn set_env(mut self) -> Self {
        self.set_env = true;
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn file(&self) -> Result<&SystemFile> {
        self.file.as_ref().context("the rule was not configured").code(code::NOT_CONFIGURED)
    }

    fn content(&self) -> Option<String> {
        if self.absent {
            return None;
        }
        let rules = match &self.text {
            Some(text) => text.trim_end().to_owned(),
            None => {
                let tag = |on: bool, tag: &'static str| if on { tag } else { "" };
                let tags = [tag(self.no_password, "NOPASSWD: "), tag(self.set_env, "SETENV: ")];
                let commands: Vec<_> = self.commands.iter().map(|it| escaped(it)).collect();
                let (run_as, tags) = (&self.run_as, tags.concat());
                let rule = |who: &String| {
                    format!("{} ALL=({run_as}) {tags}{}", escaped(who), commands.join(", "))
                };
                self.who.iter().map(rule).collect::<Vec<_>>().join("\n")
            }
        };
        Some(format!("# Rule `{}`, kept by togusa.\n{rules}\n", self.name))
    }

    fn check(&self) -> Result {
        let name = &self.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(fault!(
                code::NOT_A_NAME,
                "`{name}` cannot be the name of a rule: letters, digits, `-` and `_`"
            ))
            .hint("sudo reads no file whose name has a `.` or ends in `~`");
        }
        let said = !self.who.is_empty() || !self.commands.is_empty();
        if self.absent {
            return Ok(());
        }
        if let Some(text) = &self.text {
            demand!(
                !said,
                code::OPTIONS_CLASH,
                "neither `.user(…)` nor `.command(…)` means something beside a text"
            );
            demand!(!text.trim().is_empty(), code::OPTION_MISSING, "the text is empty");
            return Ok(());
        }
        demand!(
            !self.who.is_empty(),
            code::OPTION_MISSING,
            "neither `.user(…)` nor `.group(…)` is given"
        );
        for who in &self.who {
            let (kind, name) = match who.strip_prefix('%') {
                Some(name) => ("group", name),
                None => ("user", &**who),
            };
            if name != "ALL" {
                tools::check_name(kind, name)?;
            }
        }
        demand!(!self.commands.is_empty(), code::OPTION_MISSING, "no `.command(…)` is given");
        for command in &self.commands {
            let is_command = command == "ALL" || command.starts_with('/');
            let is_command = is_command && !command.contains(['\n', '!']);
            if !is_command {
                return Err(fault!(code::OPTION_VALUE, "`{command}` is no command of a rule"))
                    .hint(
                        "give it with its full path, `/usr/bin/systemctl restart shop`, or `ALL`",
                    );
            }
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:$".contains(c);
        let is_user = !self.run_as.is_empty() && self.run_as.chars().all(plain);
        demand!(is_user, code::OPTION_VALUE, "`{}` cannot be who a command runs as", self.run_as);
        Ok(())
    }

    /// Refuses a rule that would have no effect.
    fn check_included(&self, probe: &Probe<'_>) -> Result {
        let path = HostPath::new(&probe.host().name, "/etc/sudoers");
        let none = || "there is no `/etc/sudoers`";
        probe
            .entry(&path)?
            .with_context(none)
            .code(code::NO_PROGRAM)
            .hint("install sudo before: package `sudo`")?;
        let text = probe.read_to_string(&path)?;
        let includes = |line: &str| {
            let rest = line.strip_prefix('@').or_else(|| line.strip_prefix('#'));
            let path = rest.and_then(|rest| rest.strip_prefix("includedir"));
            path.is_some_and(|path| path.trim().trim_end_matches('/') == "/etc/sudoers.d")
        };
        let included = text.lines().any(|line| includes(line.trim()));
        included
            .then_some(())
            .context("`/etc/sudoers` does not read `/etc/sudoers.d`, so that no rule there counts")
            .code(code::SUDO_NOT_INCLUDED)
            .hint("add the line `@includedir /etc/sudoers.d` to it, by a `Line` before")
    }

    /// Has visudo read a text that is not in place yet.
    fn try_out(&self, machine: &Machine<'_>, text: &str) -> Result {
        let visudo = foreign::program("visudo").args(["--check", "--file", "-"]);
        let tried = foreign::of_package(machine.query(&visudo.stdin(text)), "sudo");
        let Err(error) = tried else { return Ok(()) };
        if foreign::failure(&error).is_none() {
            return Err(error);
        }
        Err(error)
            .context("visudo refuses this rule; nothing was changed")
            .code(code::CONFIGURATION_REFUSED)
    }
}

/// What sudo would read as something else.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        ',' | ':' | '=' | '#' | '\\' => format!("\\{c}"),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}

impl Component for SudoRule {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        let file = SystemFile::new(scope, &format!("/etc/sudoers.d/{}", self.name));
        self.file = Some(file.mode(0o440));
        if !self.absent {
            scope.manages("sudo-rule", &self.name);
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let file = self.file()?;
        if !file.is_sandboxed() {
            require_root(probe, "look at the rules of sudo")?;
            if !self.absent {
                self.check_included(probe)?;
            }
        }
        file.verify(probe, self.content().as_deref())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let (file, content) = (self.file()?, self.content());
        if !file.is_sandboxed() {
            require_root(machine, "change the rules of sudo")?;
            content.as_ref().map(|text| self.try_out(machine, text)).transpose()?;
        }
        file.write(machine, content.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_as_sudo_reads_it() {
        let text = |rule: SudoRule| rule.content().unwrap();
        let head = |name: &str| format!("# Rule `{name}`, kept by togusa.\n");
        let rule = SudoRule::new("a").user("anna").group("adm").command("/bin/x a:b=c,d");
        let rules = "anna ALL=(root) /bin/x a\\:b\\=c\\,d\n%adm ALL=(root) /bin/x a\\:b\\=c\\,d\n";
        assert_eq!(text(rule), head("a") + rules);
        let rule = SudoRule::new("e").user("anna").command("/bin/x #1");
        assert_eq!(text(rule), head("e") + "anna ALL=(root) /bin/x \\#1\n");
        let rule =
            SudoRule::new("b").user("anna").command("/bin/x").command("/bin/y").run_as("app:web");
        let rules = "anna ALL=(app:web) NOPASSWD: SETENV: /bin/x, /bin/y\n";
        assert_eq!(text(rule.no_password().set_env()), head("b") + rules);
        assert_eq!(text(SudoRule::text("c", "x ALL=ALL\n\n")), head("c") + "x ALL=ALL\n");
        assert_eq!(SudoRule::new("d").absent().content(), None);
    }

    #[test]
    fn what_cannot_be_a_rule_is_refused() {
        let rule = || SudoRule::new("a").user("anna").command("ALL");
        assert!(rule().check().is_ok());
        for (rule, words) in [
            (SudoRule::new("a.b"), "`a.b` cannot be the name of a rule"),
            (SudoRule::new("a").command("ALL"), "neither `.user(…)` nor `.group(…)` is given"),
            (SudoRule::new("a").user("anna"), "no `.command(…)` is given"),
            (rule().user("a b"), "`a b` cannot be the name of a user"),
            (rule().command("systemctl"), "`systemctl` is no command of a rule"),
            (rule().run_as("a)"), "`a)` cannot be who a command runs as"),
            (SudoRule::text("a", "x").user("anna"), "means something beside a text"),
        ] {
            let error = rule.check().unwrap_err().to_string();
            let error = format!("{error} {:#}", rule.check().unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }
}
