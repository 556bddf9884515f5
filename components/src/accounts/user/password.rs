//! The hash of a password, and whether it is locked.

use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::tools;
use crate::accounts::database::{Shadow, ShadowLine};

/// What was said about the password.
#[derive(Debug, Default)]
pub(super) struct Password {
    pub(super) hash: Option<Secret>,
    pub(super) locked: Option<bool>,
}

/// What stands in `/etc/shadow`, or shall.
#[derive(PartialEq, Eq)]
struct Field {
    hash: String,
    locked: bool,
}

impl Field {
    fn of(line: &ShadowLine) -> Self {
        let hash = line.password.trim_start_matches('!');
        Self { hash: hash.to_owned(), locked: line.password.starts_with('!') }
    }
}

impl Password {
    pub(super) fn is_managed(&self) -> bool {
        self.hash.is_some() || self.locked.is_some()
    }

    /// Refuses what is no hash: the program would take it for one, and nobody could log in.
    pub(super) fn check(&self) -> Result {
        let Some(hash) = self.hash.as_ref().filter(|hash| !hash.is_placeholder()) else {
            return Ok(());
        };
        let hash = hash.expose();
        let is_hash = hash.starts_with('$') && hash.matches('$').count() >= 3;
        if (is_hash || hash == "*") && !hash.contains([':', '\n']) {
            return Ok(());
        }
        Err(fault!(code::NO_PASSWORD_HASH, "the password is no hash"))
            .hint("give it what `openssl passwd -6` prints, or `*` for none")
    }

    /// What shall stand there. A lock that nobody spoke of stays, but for an account that had no
    /// password yet.
    fn wanted(&self, present: &Field) -> Field {
        let hash = self.hash.as_ref().map_or(&present.hash, |hash| hash.expose()).clone();
        let locked = self.locked.unwrap_or(present.locked && !present.hash.is_empty());
        Field { hash, locked }
    }

    /// The differences, without what must not be seen.
    pub(super) fn changes(&self, line: &ShadowLine) -> Verdict {
        let present = Field::of(line);
        let wanted = self.wanted(&present);
        let mut verdict = Verdict::current();
        if wanted.hash != present.hash {
            verdict.push("another password");
        }
        if self.locked.is_some() && wanted.locked != present.locked {
            let shown = |locked| if locked { "yes" } else { "no" };
            let change = Change::property("locked", shown(present.locked), shown(wanted.locked));
            verdict.push(change);
        }
        verdict
    }

    pub(super) fn update(&self, machine: &Machine<'_>, user: &str) -> Result {
        if !self.is_managed() {
            return Ok(());
        }
        let line = machine.snapshot::<Shadow>()?.of(user);
        let present = Field::of(&line);
        let wanted = self.wanted(&present);
        if wanted.hash != present.hash {
            let lock = if wanted.locked { "!" } else { "" };
            let input = format!("{user}:{lock}{}\n", wanted.hash);
            let chpasswd = Exec::new("chpasswd").arg("--encrypted").stdin(input.clone());
            let busybox = tools::busybox("chpasswd").arg("-e").stdin(input);
            return tools::run(machine, chpasswd.sensitive(), Some(busybox.sensitive()));
        }
        if self.locked.is_none() || wanted.locked == present.locked {
            return Ok(());
        }
        if wanted.hash.is_empty() && !wanted.locked {
            return Err(fault!(
                code::NO_PASSWORD,
                "user `{user}` has no password that could be unlocked"
            ))
            .hint("give it a `.password(…)`");
        }
        let [long, short] = if wanted.locked { ["--lock", "-l"] } else { ["--unlock", "-u"] };
        let usermod = Exec::new("usermod").args([long, user]);
        tools::run(machine, usermod, Some(tools::busybox("passwd").args([short, user])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$6$salt$hash";

    fn shown(password: &Password, present: &str) -> Vec<String> {
        let line = ShadowLine { password: present.to_owned(), expires: None };
        password.changes(&line).changes().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn hash_and_lock_are_compared_apart() {
        let hash = || Some(Secret::new(HASH));
        let set = Password { hash: hash(), locked: None };
        assert_eq!(shown(&set, HASH), [""; 0]);
        assert_eq!(shown(&set, &format!("!{HASH}")), [""; 0], "a lock is not its business");
        assert_eq!(shown(&set, "!"), ["another password"]);
        let locked = Password { hash: hash(), locked: Some(true) };
        assert_eq!(shown(&locked, HASH), ["locked no → yes"]);
        assert_eq!(shown(&locked, "$6$a$b"), ["another password", "locked no → yes"]);
        assert_eq!(shown(&Password { hash: None, locked: Some(false) }, "!x"), ["locked yes → no"]);
        assert_eq!(shown(&Password { hash: None, locked: Some(true) }, "!"), [""; 0]);
    }

    #[test]
    fn a_lock_stays_with_another_password_but_a_new_account_has_none() {
        let set = Password { hash: Some(Secret::new(HASH)), locked: None };
        let locked = |hash: &str| set.wanted(&Field { hash: hash.into(), locked: true }).locked;
        assert!(locked("$6$a$b") && !locked(""));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let check = |text: &str| Password { hash: Some(Secret::new(text)), locked: None }.check();
        assert!(check(HASH).is_ok() && check("$y$j9T$salt$hash").is_ok() && check("*").is_ok());
        for text in ["hunter2", "", "$1", "$6$a$b:c", "!$6$a$b"] {
            assert_eq!(
                format!("{}", check(text).unwrap_err().root_cause()),
                "the password is no hash"
            );
        }
    }
}
