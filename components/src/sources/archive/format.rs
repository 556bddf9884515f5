//! What an archive holds, by its format.

use std::io::{self, BufReader, Read, Seek};
use std::time::{Duration, SystemTime};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

/// How something is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// `.tar`
    Tar,
    /// `.tar.gz`, `.tgz`
    TarGz,
    /// `.tar.bz2`, `.tbz2`
    TarBz2,
    /// `.tar.xz`, `.txz`
    TarXz,
    /// `.tar.zst`, `.tzst`
    TarZst,
    /// `.zip`
    Zip,
}

impl ArchiveFormat {
    /// The format by the suffix of a name.
    pub(super) fn of(name: &str) -> Option<Self> {
        let suffixes = [
            (".tar", Self::Tar),
            (".tar.gz", Self::TarGz),
            (".tgz", Self::TarGz),
            (".tar.bz2", Self::TarBz2),
            (".tbz2", Self::TarBz2),
            (".tar.xz", Self::TarXz),
            (".txz", Self::TarXz),
            (".tar.zst", Self::TarZst),
            (".tzst", Self::TarZst),
            (".zip", Self::Zip),
        ];
        let name = name.to_ascii_lowercase();
        suffixes.iter().find(|(suffix, _)| name.ends_with(suffix)).map(|(_, format)| *format)
    }
}

/// A member as the archive tells of it.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) modified: SystemTime,
    pub(super) kind: RawKind,
}

#[derive(Debug, PartialEq)]
pub(super) enum RawKind {
    File,
    Directory,
    Symlink(String),
    Hardlink(String),
    /// Something that no archive of a program has.
    Other(&'static str),
}

/// What takes the members, each with its content.
pub(super) type Take<'a> = dyn FnMut(Raw, &mut dyn Read) -> Result + 'a;

/// Gives all members of an archive.
pub(super) fn read(format: ArchiveFormat, from: impl Read + Seek, take: &mut Take<'_>) -> Result {
    let from = BufReader::new(from);
    match format {
        ArchiveFormat::Tar => tar(from, take),
        ArchiveFormat::TarGz => tar(MultiGzDecoder::new(from), take),
        ArchiveFormat::TarBz2 => tar(MultiBzDecoder::new(from), take),
        ArchiveFormat::TarXz => tar(XzReader::new(from, true), take),
        ArchiveFormat::TarZst => {
            let decoder = StreamingDecoder::new(from);
            tar(
                decoder
                    .map_err(|error| fault!(code::ARCHIVE_UNREADABLE, "{error}"))
                    .context("it is no zstd")
                    .code(code::ARCHIVE_UNREADABLE)?,
                take,
            )
        }
        ArchiveFormat::Zip => zip(from, take),
    }
}

fn tar(from: impl Read, take: &mut Take<'_>) -> Result {
    let mut archive = tar::Archive::new(from);
    for entry in archive.entries()? {
        let mut entry = entry.context("the archive is broken").code(code::ARCHIVE_UNREADABLE)?;
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            continue;
        }
        let path = text(entry.path_bytes().into_owned())?;
        let link = entry.link_name_bytes().map(|name| text(name.into_owned())).transpose()?;
        let link = || {
            link.with_context(|| format!("link `{path}` leads nowhere"))
                .code(code::ARCHIVE_UNREADABLE)
        };
        let kind = match kind {
            kind if kind.is_dir() => RawKind::Directory,
            kind if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() => {
                // Old archives mark a directory by its name alone.
                if path.ends_with('/') { RawKind::Directory } else { RawKind::File }
            }
            kind if kind.is_symlink() => RawKind::Symlink(link()?),
            kind if kind.is_hard_link() => RawKind::Hardlink(link()?),
            kind if kind.is_fifo() => RawKind::Other("a pipe"),
            _ => RawKind::Other("a device or something else that is no file"),
        };
        let mode = entry
            .header()
            .mode()
            .context("the archive is broken")
            .code(code::ARCHIVE_UNREADABLE)?;
        let seconds = entry.header().mtime().unwrap_or(0);
        // What is older than 1970 is written as a negative number, which is read as a huge one.
        let modified = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(seconds))
            .filter(|_| i64::try_from(seconds).is_ok())
            .unwrap_or(SystemTime::UNIX_EPOCH);
        take(Raw { path, mode, modified, kind }, &mut entry)?;
    }
    // The checksum stands behind what the archive says is its end.
    io::copy(&mut archive.into_inner(), &mut io::sink())
        .context("the archive is broken")
        .code(code::ARCHIVE_UNREADABLE)?;
    Ok(())
}

fn zip(from: impl Read + Seek, take: &mut Take<'_>) -> Result {
    let mut archive = zip::ZipArchive::new(from)
        .context("the archive is broken")
        .code(code::ARCHIVE_UNREADABLE)?;
    for number in 0..archive.len() {
        let mut entry = archive
            .by_index(number)
            .context("the archive is broken")
            .code(code::ARCHIVE_UNREADABLE)?;
        demand!(!entry.encrypted(), code::ARCHIVE_UNREADABLE, "the archive is encrypted");
        let path = entry
            .name()
            .context("the archive is broken")
            .code(code::ARCHIVE_UNREADABLE)?
            .into_owned();
        let mode = entry.unix_mode();
        let modified = entry.last_modified().map_or(SystemTime::UNIX_EPOCH, |time| {
            let date = (time.year(), time.month(), time.day());
            since_1970(date, (time.hour(), time.minute(), time.second()))
        });
        let (kind, default) = if entry.is_dir() {
            (RawKind::Directory, 0o755)
        } else if entry.is_symlink() {
            let mut target = Vec::new();
            entry.read_to_end(&mut target)?;
            (RawKind::Symlink(text(target)?), 0o777)
        } else {
            (RawKind::File, 0o644)
        };
        // Archives that were made on Windows say nothing of modes.
        let mode = mode.map(|mode| mode & 0o7777).filter(|mode| *mode != 0).unwrap_or(default);
        take(Raw { path, mode, modified, kind }, &mut entry)?;
    }
    Ok(())
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
        fault!(code::ARCHIVE_UNREADABLE, "path `{shown}` is not UTF-8")
    })
}

/// The time of a zip archive, which has no zone: taken for UTC.
fn since_1970(
    (year, month, day): (u16, u8, u8),
    (hour, minute, second): (u8, u8, u8),
) -> SystemTime {
    // Days from a civil date, by years that begin in March.
    let (month, day) = (u64::from(month), u64::from(day));
    let year = u64::from(year) - u64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.saturating_sub(1);
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    let days = days.saturating_sub(719_468);
    let seconds = u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
    SystemTime::UNIX_EPOCH + Duration::from_secs(days * 86_400 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_counted_from_1970() {
        let seconds = |date, time| {
            let since = since_1970(date, time).duration_since(SystemTime::UNIX_EPOCH);
            since.unwrap().as_secs()
        };
        assert_eq!(seconds((1980, 1, 1), (0, 0, 0)), 315_532_800);
        assert_eq!(seconds((2000, 2, 29), (12, 0, 1)), 951_825_601);
        assert_eq!(seconds((2024, 3, 1), (0, 0, 0)), 1_709_251_200);
        assert_eq!(seconds((2026, 12, 31), (23, 59, 58)), 1_798_761_598);
    }

    #[test]
    fn a_format_is_known_by_its_suffix() {
        assert_eq!(ArchiveFormat::of("a-1.2.tar.GZ"), Some(ArchiveFormat::TarGz));
        assert_eq!(ArchiveFormat::of("a.tar"), Some(ArchiveFormat::Tar));
        assert_eq!(ArchiveFormat::of("a.gz"), None);
        assert_eq!(ArchiveFormat::of("zip"), None);
    }
}
