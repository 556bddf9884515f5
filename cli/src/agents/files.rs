//! Files that appear whole.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use togusa_core::problem::Problem;

use super::unwritable;

/// Writes a file under another name and renames it, so that nobody reads a part of it.
///
/// # Errors
/// The directory cannot be written, or is full.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Problem> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let written = || {
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(directory)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    written().map_err(|error: std::io::Error| unwritable(path, &error))
}
