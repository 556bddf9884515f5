//! The lines of `authorized_keys`.

use togusa_core::verdict::Change;

use crate::accounts::public_key::PublicKey;

/// A line that holds a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    options: String,
    key: PublicKey,
}

impl Line {
    /// Reads a line; `None` for an empty one, a comment, and what is not understood.
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if let Some(key) = PublicKey::find(line) {
            return Some(Self { options: String::new(), key });
        }
        let (options, rest) = Self::split_options(line)?;
        Some(Self { options: options.to_owned(), key: PublicKey::find(rest)? })
    }

    /// The first word, in which what is quoted may hold spaces, and the rest.
    pub(super) fn split_options(line: &str) -> Option<(&str, &str)> {
        let (mut quoted, mut escaped) = (false, false);
        let end = line.find(|c: char| {
            let ends = !quoted && c.is_whitespace();
            quoted ^= c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        Some((&line[..end], line[end..].trim_start()))
    }

    fn text(&self) -> String {
        let Self { options, key: PublicKey { kind, blob, comment } } = self;
        let words = [options, kind, blob, comment].map(String::as_str);
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// What a file shall hold.
pub(super) struct Wanted<'a> {
    pub(super) keys: &'a [PublicKey],
    pub(super) options: String,
    pub(super) exclusive: bool,
    pub(super) absent: bool,
}

impl Wanted<'_> {
    /// The file as it shall be, and every difference.
    pub(super) fn edit(&self, text: &str) -> (String, Vec<Change>) {
        let (mut lines, mut changes) = (Vec::new(), Vec::new());
        let mut found = vec![false; self.keys.len()];
        for raw in text.lines() {
            let Some(line) = Line::parse(raw) else {
                let is_text = raw.trim().is_empty() || raw.trim().starts_with('#');
                if self.exclusive && !is_text {
                    changes.push(Change::remove("line that is no key"));
                } else {
                    lines.push(raw.to_owned());
                }
                continue;
            };
            let short = line.key.short();
            match self.keys.iter().position(|key| key.blob == line.key.blob) {
                None if self.exclusive => changes.push(Change::remove(format!("key {short}"))),
                None => lines.push(raw.to_owned()),
                Some(_) if self.absent => changes.push(Change::remove(format!("key {short}"))),
                Some(at) if found[at] => {
                    changes.push(Change::remove(format!("second line of key {short}")));
                }
                Some(at) => {
                    found[at] = true;
                    let mended = self.mend(&line, &self.keys[at], &mut changes);
                    lines.push(if mended == line { raw.to_owned() } else { mended.text() });
                }
            }
        }
        let missing = self.keys.iter().zip(&found).filter(|(_, found)| !**found && !self.absent);
        for (key, _) in missing {
            let options = Some(&self.options).filter(|options| !options.is_empty());
            let options = options.map(|options| format!(" with {options}")).unwrap_or_default();
            changes.push(Change::create(format!("key {}{options}", key.short())));
            lines.push(Line { options: self.options.clone(), key: key.clone() }.text());
        }
        (lines.iter().map(|line| format!("{line}\n")).collect(), changes)
    }

    /// The line of a key with the options and the comment that it shall have.
    fn mend(&self, line: &Line, key: &PublicKey, changes: &mut Vec<Change>) -> Line {
        let mut mended = line.clone();
        let shown = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
        if line.options != self.options {
            let (from, to) = (shown(&line.options), shown(&self.options));
            changes.push(Change::property(format!("options of key {}", key.short()), from, to));
            mended.options.clone_from(&self.options);
        }
        if !key.comment.is_empty() && line.key.comment != key.comment {
            let (from, to) = (shown(&line.key.comment), &key.comment);
            let name = format!("comment of key {} {}", key.kind, key.end());
            changes.push(Change::property(name, from, to));
            mended.key.comment.clone_from(&key.comment);
        }
        mended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::public_key::tests::key;

    fn anna() -> String {
        key("ssh-ed25519", 1) + " anna"
    }

    fn bert() -> String {
        key("ssh-rsa", 2) + " bert"
    }

    fn keys(keys: &[String]) -> Vec<PublicKey> {
        keys.iter().map(|key| PublicKey::parse(key).unwrap()).collect()
    }

    fn edit(wanted: &Wanted<'_>, text: &str) -> (String, Vec<String>) {
        let (edited, changes) = wanted.edit(text);
        let (again, none) = wanted.edit(&edited);
        assert_eq!((&again, none), (&edited, Vec::new()), "the second time changes something");
        (edited, changes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_key_is_found_whatever_stands_around_it() {
        let (anna, bert) = (anna(), bert());
        let keys = keys(std::slice::from_ref(&anna));
        let options = r#"restrict,command="echo \"a  b\" c",from="x""#.to_owned();
        let text = format!("# of people\n\n{options} {anna}\n{bert}\nnonsense");
        let wanted = Wanted { keys: &keys, options, exclusive: false, absent: false };
        assert_eq!(edit(&wanted, &text), (format!("{text}\n"), vec![]));
        let exclusive = Wanted { exclusive: true, ..wanted };
        let (edited, changes) = edit(&exclusive, &text);
        assert!(edited.starts_with("# of people\n\nrestrict") && edited.lines().count() == 3);
        assert_eq!(changes, ["remove key ssh-rsa …AgICAgI= (bert)", "remove line that is no key"]);
    }

    #[test]
    fn options_and_comments_are_mended_and_missing_keys_come_last() {
        let keys = keys(&[anna(), bert()]);
        let options = String::from("restrict");
        let wanted = Wanted { keys: &keys, options, exclusive: false, absent: false };
        let text = format!("{} old\nrestrict {}\n", key("ssh-ed25519", 1), anna());
        let (edited, changes) = edit(&wanted, &text);
        assert_eq!(edited, format!("restrict {}\nrestrict {}\n", anna(), bert()));
        assert_eq!(
            changes,
            [
                "options of key ssh-ed25519 …AQEBAQEB (anna) none → restrict",
                "comment of key ssh-ed25519 …AQEBAQEB old → anna",
                "remove second line of key ssh-ed25519 …AQEBAQEB (anna)",
                "create key ssh-rsa …AgICAgI= (bert) with restrict",
            ]
        );
    }

    #[test]
    fn absent_keys_go_with_every_line_of_theirs() {
        let keys = keys(&[anna()]);
        let wanted = Wanted { keys: &keys, options: String::new(), exclusive: false, absent: true };
        let text = format!("{}\n{}\nrestrict {}\n", anna(), bert(), anna());
        let (edited, changes) = edit(&wanted, &text);
        assert_eq!((edited, changes.len()), (bert() + "\n", 2));
    }
}
