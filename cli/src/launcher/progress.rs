//! Which lines of cargo are shown.

/// Erases the line that the cursor is in.
const ERASE: &str = "\u{1b}[K";

/// What cargo says, held back until it has something to do.
///
/// A fresh build is told to nobody: neither that it has finished, nor the warnings of the last one.
#[derive(Debug, Default)]
pub struct Progress {
    is_busy: bool,
    held: Vec<u8>,
    /// A line that has not ended.
    open: Vec<u8>,
}

impl Progress {
    /// Takes what cargo wrote and gives what is to be shown now.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = Vec::new();
        for byte in bytes {
            self.open.push(*byte);
            // The line with the bar ends with a return alone.
            if matches!(byte, b'\n' | b'\r') {
                let line = std::mem::take(&mut self.open);
                self.line(line, &mut shown);
            }
        }
        shown
    }

    fn line(&mut self, line: Vec<u8>, shown: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(&line);
        let plain = console::strip_ansi_codes(&text);
        let verb = verb(&plain);
        if verb == Some("Finished") {
            if self.is_busy && text.contains(ERASE) {
                shown.extend(ERASE.bytes());
            }
            return;
        }
        if !self.is_busy && verb.is_some() {
            self.is_busy = true;
            shown.append(&mut self.held);
        }
        if self.is_busy { shown.extend(line) } else { self.held.extend(line) }
    }

    /// What was held back to the end.
    pub fn rest(mut self) -> Vec<u8> {
        self.held.append(&mut self.open);
        self.held
    }
}

/// What a line tells that cargo does: a verb, flushed right to the twelfth column.
fn verb(line: &str) -> Option<&str> {
    let word = line.trim_start();
    let indent = line.len() - word.len();
    let verb = word.split(' ').next()?;
    let is_verb = indent > 0
        && indent + verb.len() == 12
        && verb.starts_with(|c: char| c.is_ascii_uppercase());
    is_verb.then_some(verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown while cargo runs, and what is left in the end; byte by byte or at once.
    fn shown(told: &str) -> (String, String) {
        let mut whole = Progress::default();
        let at_once = whole.take(told.as_bytes());
        let mut pieces = Progress::default();
        let one_by_one: Vec<_> = told.bytes().flat_map(|byte| pieces.take(&[byte])).collect();
        assert_eq!(at_once, one_by_one);
        (String::from_utf8(at_once).unwrap(), String::from_utf8(whole.rest()).unwrap())
    }

    const WARNING: &str = "warning: unused variable: `a`\n --> src/main.rs:1:2\n\n";
    const FINISHED: &str = "    Finished `dev` profile [unoptimized] target(s) in 0.05s\n";

    #[test]
    fn a_fresh_build_is_told_to_nobody() {
        assert_eq!(shown(FINISHED), (String::new(), String::new()));
        let (now, held) = shown(&format!("{WARNING}{FINISHED}"));
        assert_eq!((now.as_str(), held.as_str()), ("", WARNING));
    }

    #[test]
    fn a_build_is_shown_as_cargo_shows_it_but_for_its_end() {
        let compiling = "   Compiling shop v0.1.0\n";
        let (now, held) = shown(&format!("{WARNING}{compiling}{WARNING}{FINISHED}"));
        assert_eq!(now, format!("{WARNING}{compiling}{WARNING}"));
        assert_eq!(held, "");
    }

    #[test]
    fn an_error_before_anything_is_built_is_left_to_the_end() {
        let error = "error: failed to parse manifest\n";
        assert_eq!(shown(error), (String::new(), error.to_owned()));
    }

    #[test]
    fn the_bar_is_shown_and_erased() {
        let bar = "\u{1b}[1m\u{1b}[92m    Building\u{1b}[0m [==> ] 1/2: shop\r";
        let finished = format!("{ERASE}\u{1b}[1m{FINISHED}");
        assert_eq!(shown(&format!("{bar}{finished}")).0, format!("{bar}{ERASE}"));
    }

    #[test]
    fn what_the_compiler_quotes_is_no_progress() {
        for line in ["12 |     Compiling a", "error: Compiling", "  Compiling", "    compiling a"] {
            assert_eq!(verb(line), None, "{line}");
        }
        assert_eq!(verb("    Blocking waiting for file lock"), Some("Blocking"));
    }
}
