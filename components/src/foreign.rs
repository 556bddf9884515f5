//! Programs of others that components run.

use togusa_core::host::{ExecError, Failure};
use togusa_core::prelude::*;
use togusa_core::system;

/// A program of another package; it is also looked for where only root has programs.
pub(crate) fn program(name: &str) -> Exec {
    let path = system::variable("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    let has = |directory: &str| path.split(':').any(|part| part == directory);
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].into_iter().filter(|part| !has(part));
    let more: String = more.map(|part| format!(":{part}")).collect();
    Exec::new(name).env("PATH", format!("{path}{more}"))
}

/// Says of a missing program which package has it.
pub(crate) fn of_package<T>(result: Result<T>, package: &str) -> Result<T> {
    let Err(error) = result else { return result };
    match error.downcast_ref::<ExecError>() {
        Some(ExecError::NotFound { program, .. }) => {
            let hint = format!(
                "install the package `{package}`, which has `{program}`, in an earlier component"
            );
            Err(error).hint(hint)
        }
        _ => Err(error),
    }
}

/// What a command that ran and failed is known by.
pub(crate) fn failure(error: &anyhow::Error) -> Option<&Failure> {
    match error.downcast_ref::<ExecError>() {
        Some(ExecError::Failed { failure, .. }) => Some(failure),
        _ => None,
    }
}

/// A text as one word of a shell.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The end of a text below a heading, as errors show it.
pub(crate) fn tail(heading: &str, text: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let shown = lines[lines.len().saturating_sub(LINES)..].iter();
    let shown: String = shown.map(|line| format!("\n     | {line}")).collect();
    match shown.is_empty() {
        true => format!("{heading} is empty"),
        false => format!("{heading} ends with:{shown}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_more_into_them() {
        assert_eq!(shell_word("/usr/bin/a-b"), "/usr/bin/a-b");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell_word("A=b"), "'A=b'");
    }

    #[test]
    fn a_tail_has_the_last_lines() {
        assert_eq!(tail("the log", "\n"), "the log is empty");
        assert_eq!(tail("the log", "a\nb\n"), "the log ends with:\n     | a\n     | b");
        let long: String = (0..30).map(|number| format!("{number}\n")).collect();
        assert!(tail("x", &long).starts_with("x ends with:\n     | 10\n"));
    }
}
