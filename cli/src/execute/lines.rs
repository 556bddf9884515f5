//! Output cut into lines.

/// A line that is longer is cut.
const LONGEST: usize = 64 * 1024;

/// Takes complete lines, without their ends, out of what has come; at the `end` also the rest.
pub fn split(come: &mut Vec<u8>, end: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut start = 0;
    while let Some(length) = come[start..].iter().position(|byte| *byte == b'\n') {
        let line = &come[start..start + length];
        lines.push(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned());
        start += length + 1;
    }
    come.drain(..start);
    if come.len() >= LONGEST || (end && !come.is_empty()) {
        lines.push(String::from_utf8_lossy(come).into_owned());
        come.clear();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_the_rest_at_the_end() {
        let mut come = b"a\r\nb\nc".to_vec();
        assert_eq!(split(&mut come, false), ["a", "b"]);
        assert_eq!(split(&mut come, false), Vec::<String>::new());
        come.extend(b"d\n\ne");
        assert_eq!(split(&mut come, true), ["cd", "", "e"]);
        assert!(come.is_empty() && split(&mut come, true).is_empty());
    }

    #[test]
    fn a_line_without_an_end_is_not_kept_for_ever() {
        let mut come = vec![b'x'; LONGEST];
        assert_eq!(split(&mut come, false)[0].len(), LONGEST);
        assert!(come.is_empty());
    }
}
