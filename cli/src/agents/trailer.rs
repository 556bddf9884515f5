//! The line at the end of a pushed binary that says what it was built from.
//!
//! It is part of the file, so the digest of the file covers it, and a binary that is started as
//! coordinator can read its own.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

const HEAD: &str = "\ntogusa-build:";

/// The length of the trailer in bytes.
pub const LENGTH: usize = HEAD.len() + 64 + 1;

/// The trailer for a build id.
pub fn of_build(build: &str) -> String {
    format!("{HEAD}{build}\n")
}

/// The build id at the end of a file, if these last bytes of it are a trailer.
pub fn build_of_tail(tail: &[u8]) -> Option<String> {
    let start = tail.len().checked_sub(LENGTH)?;
    let build = tail[start..].strip_prefix(HEAD.as_bytes())?.strip_suffix(b"\n")?;
    let is_digest = build.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    is_digest.then(|| String::from_utf8_lossy(build).into_owned())
}

/// The build id that a file carries.
///
/// # Errors
/// The file cannot be read.
pub fn build_of_file(path: &Path) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LENGTH as u64)))?;
    let mut tail = Vec::with_capacity(LENGTH);
    file.take(LENGTH as u64).read_to_end(&mut tail)?;
    Ok(build_of_tail(&tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailer_is_read_back_from_the_end_of_a_file() {
        let build = "0123456789abcdef".repeat(4);
        let file = tempfile::NamedTempFile::new().unwrap();
        let content = format!("program{}", of_build(&build));
        std::fs::write(&file, &content).unwrap();
        assert_eq!(build_of_file(file.path()).unwrap(), Some(build.clone()));
        assert_eq!(build_of_tail(content.as_bytes()), Some(build.clone()));
        assert_eq!(of_build(&build).len(), LENGTH);
    }

    #[test]
    fn what_is_no_trailer_gives_no_build() {
        let build = "0".repeat(64);
        let trailer = of_build(&build);
        let upper = of_build(&"A".repeat(64));
        for tail in ["", "short", &trailer[1..], &format!("{trailer} "), &upper] {
            assert_eq!(build_of_tail(tail.as_bytes()), None, "{tail:?}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(build_of_file(file.path()).unwrap(), None);
    }
}
