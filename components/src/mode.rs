//! The ways to write the mode of a file.

/// What can be a mode: `0o644`, `"644"` or `"rw-r--r--"`.
///
/// A mode has at most the four octal digits of `0o7777`; the first holds setuid, setgid and sticky.
/// A text of digits is always octal.
pub trait IntoMode {
    /// The permission bits.
    ///
    /// # Errors
    /// It is no mode.
    fn into_mode(self) -> Result<u32, InvalidMode>;
}

/// Something that is no mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no mode")]
pub struct InvalidMode {
    text: String,
}

impl IntoMode for u32 {
    fn into_mode(self) -> Result<u32, InvalidMode> {
        Some(self).filter(in_range).ok_or_else(|| InvalidMode { text: format!("0o{self:o}") })
    }
}

impl IntoMode for &str {
    fn into_mode(self) -> Result<u32, InvalidMode> {
        let mode = octal(self).or_else(|| symbolic(self));
        mode.filter(in_range).ok_or_else(|| InvalidMode { text: self.to_owned() })
    }
}

impl IntoMode for String {
    fn into_mode(self) -> Result<u32, InvalidMode> {
        self.as_str().into_mode()
    }
}

impl IntoMode for &String {
    fn into_mode(self) -> Result<u32, InvalidMode> {
        self.as_str().into_mode()
    }
}

fn in_range(mode: &u32) -> bool {
    *mode <= 0o7777
}

/// `755`, `0755` or `0o755`.
fn octal(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    u32::from_str_radix(digits?, 8).ok()
}

/// `rwxr-xr-x` as `ls` writes it, with `s`, `S`, `t` and `T` in the places of `x`.
fn symbolic(text: &str) -> Option<u32> {
    let letters: [u8; 9] = text.as_bytes().try_into().ok()?;
    let mut mode = 0;
    for (place, (letter, name)) in letters.into_iter().zip(*b"rwxrwxrwx").enumerate() {
        let bit = 0o400 >> place;
        let special = match place {
            2 => 0o4000,
            5 => 0o2000,
            8 => 0o1000,
            _ => 0,
        };
        mode |= match (letter, place) {
            (b'-', _) => 0,
            (letter, _) if letter == name => bit,
            (b's', 2 | 5) | (b't', 8) => bit | special,
            (b'S', 2 | 5) | (b'T', 8) => special,
            _ => return None,
        };
    }
    Some(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_numbers_octal_texts_or_letters() {
        assert_eq!(0o644.into_mode(), Ok(0o644));
        assert_eq!(0.into_mode(), Ok(0));
        for (text, mode) in [
            ("755", 0o755),
            ("0755", 0o755),
            ("0o4755", 0o4755),
            ("0", 0),
            ("rwxr-xr-x", 0o755),
            ("rw-r-----", 0o640),
            ("---------", 0),
            ("rwsr-Sr-t", 0o7745),
            ("rwxrwxrwT", 0o1776),
        ] {
            assert_eq!(text.into_mode(), Ok(mode), "{text}");
            assert_eq!(text.to_owned().into_mode(), Ok(mode), "{text}");
        }
    }

    #[test]
    fn what_is_no_mode_is_named() {
        for text in
            ["", "0o", "+7", "8", "rwx", "17777", "rwxr-xr-s", "rwtr-xr-x", "xwrxwrxwr", "é"]
        {
            let error = text.into_mode().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is no mode"));
        }
        assert_eq!(0o10000.into_mode().unwrap_err().to_string(), "`0o10000` is no mode");
    }
}
