//! The section of a program in the configuration of supervisord.

use std::fmt::Write as _;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::SupervisorProgram;
use super::words::{is_cut, quoted, raw};

impl SupervisorProgram {
    pub(super) fn check(&self) -> Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        demand!(
            !self.name.is_empty() && self.name.chars().all(plain) && self.name != "all",
            code::NOT_A_NAME,
            "`{}` is no name for a program of supervisord",
            self.name
        );
        for (name, value) in &self.env {
            demand!(
                !value.is_masked(),
                code::SECRET_PRINTED,
                "the variable `{name}` holds a secret that was printed"
            );
        }
        let words = [&self.program].into_iter().chain(&self.args).chain(self.options.values());
        let mut words = words.chain(self.options.keys()).chain(&self.user).chain(self.env.keys());
        demand!(
            !words.any(|word| word.contains(['\n', '\r', '\0'])),
            code::OPTION_VALUE,
            "a text holds a line break"
        );
        let cut = self.options.iter().find(|(_, value)| is_cut(&format!(" {value}")));
        if let Some((name, _)) = cut {
            return Err(fault!(
                code::OPTION_VALUE,
                "the option `{name}` holds `;` or `#` behind a blank"
            ))
            .hint("supervisord takes what follows for a comment");
        }
        Ok(())
    }

    /// The section of the program, as a template: paths are expanded on the host.
    pub(super) fn section(&self) -> Result<String> {
        let mut text = format!("[program:{}]\n", self.name);
        let words = [&self.program].into_iter().chain(&self.args);
        let words: Vec<_> = words.map(|word| quoted(word)).collect();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name} = {value}");
        };
        line("command", &raw(&words.join(" ")));
        line("directory", "{{ directory }}");
        if let Some(user) = &self.user {
            line("user", user);
        }
        if self.log.is_some() {
            line("stdout_logfile", "{{ log }}");
        }
        line("redirect_stderr", "true");
        line("autostart", "true");
        line("autorestart", if self.crash_alone { "unexpected" } else { "true" });
        line("startsecs", &self.start_time.as_secs().to_string());
        line("stopsignal", self.stop_signal.strip_prefix("SIG").unwrap_or(&self.stop_signal));
        line("stopwaitsecs", &self.stop_timeout.as_secs().to_string());
        line("stopasgroup", "false");
        line("killasgroup", "true");
        for (name, value) in &self.options {
            line(name, &raw(value));
        }
        if !self.env.is_empty() {
            line("environment", "{{ environment }}");
        }
        Ok(text)
    }

    /// The variables in one line.
    pub(super) fn environment(&self) -> Result<String> {
        let mut entries = Vec::new();
        for (name, value) in &self.env {
            let value = std::str::from_utf8(value.bytes())
                .with_context(|| format!("the variable `{name}` is not UTF-8"))
                .code(code::OPTION_VALUE)?;
            if value.contains(['"', '\n', '\r', '\0']) || is_cut(value) {
                let odd = "a quote, a line break, or `;` or `#` behind a blank";
                return Err(fault!(code::OPTION_VALUE, "the variable `{name}` holds {odd}"))
                    .hint("supervisord cannot read such a value; give it by a file");
            }
            entries.push(format!("{name}=\"{}\"", value.replace('%', "%%")));
        }
        Ok(entries.join(","))
    }
}
