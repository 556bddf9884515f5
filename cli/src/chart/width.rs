//! How much room a text takes, without the font that it will be shown in.

/// The width of a text in pixels at a size, a little more than the usual fonts need.
pub fn width(text: &str, size: i32) -> i32 {
    let hundredths: i32 = text.chars().map(of).sum();
    (hundredths * size + 99) / 100
}

/// A text that is cut to fit.
pub fn fitted(text: &str, size: i32, room: i32) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut fitted = String::new();
    for character in text.chars() {
        fitted.push(character);
        if width(&fitted, size) + width("…", size) > room {
            fitted.pop();
            break;
        }
    }
    fitted + "…"
}

/// The width of a character in hundredths of the size.
fn of(character: char) -> i32 {
    match character {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 34,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '-' | ' ' | '/' => 42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 98,
        'A'..='Z' | '_' | '+' | '×' | '<' | '>' => 76,
        '\u{1100}'.. => 110,
        _ => 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_cut_and_says_so() {
        assert_eq!(fitted("database", 13, 200), "database");
        let cut = fitted("a-very-long-name-of-a-host", 13, 80);
        assert!(cut.ends_with('…') && width(&cut, 13) <= 80, "{cut}");
        assert_eq!(fitted("abc", 13, 0), "…");
    }
}
