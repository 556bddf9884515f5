//! Sizes in bytes.

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

/// A size as it was written: `2G`, `512M`, `4096`; all units are powers of 1024.
pub(super) fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let power = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 1,
        "M" | "MB" | "MIB" => 2,
        "G" | "GB" | "GIB" => 3,
        "T" | "TB" | "TIB" => 4,
        "P" | "PB" | "PIB" => 5,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1024_u64.pow(power))
}

/// The size, or what is wrong with it.
pub(super) fn checked(text: &str) -> Result<u64> {
    let size = parse(text).filter(|size| *size > 0);
    size.with_context(|| format!("`{text}` is no size"))
        .code(code::OPTION_VALUE)
        .hint("write it as `512M` or `2G`")
}

/// A size as people read it, exactly: `512M`.
pub(super) fn shown(bytes: u64) -> String {
    let mut rest = bytes;
    for unit in ["", "K", "M", "G", "T"] {
        if rest == 0 || !rest.is_multiple_of(1024) {
            return format!("{rest}{unit}");
        }
        rest /= 1024;
    }
    format!("{rest}P")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes, again) in [
            ("2G", 2 << 30, "2G"),
            ("512m", 512 << 20, "512M"),
            ("1024MiB", 1 << 30, "1G"),
            ("4097", 4097, "4097"),
            ("0", 0, "0"),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
            assert_eq!(shown(bytes), again);
        }
        for wrong in ["", "G", "1.5G", "2X", "-1", "99999999P"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert!(checked("0").is_err());
    }
}
