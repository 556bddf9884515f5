//! The text of a file, and the line and column of every byte in it.

use togusa_core::value::Origin;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A file's text with the places where its lines start.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        let first = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
        let later = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self { file, text, line_starts: std::iter::once(first).chain(later).collect() }
    }

    /// The place of a byte; one past the end counts as the end.
    pub(crate) fn origin(&self, offset: usize) -> Origin {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_of(offset);
        let before = self.text.get(self.line_starts[line]..offset).unwrap_or_default();
        Origin {
            file: self.file.to_owned(),
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
        }
    }

    /// The number of the line that holds a byte, counted from 0.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The lines before the given one, last first, each with the offset of its start.
    pub(crate) fn lines_before(&self, line: usize) -> impl Iterator<Item = (usize, &'a str)> {
        let text = self.text;
        let ends = self.line_starts.iter().skip(1);
        let lines: Vec<_> = self
            .line_starts
            .iter()
            .zip(ends)
            .take(line)
            .map(|(start, end)| (*start, *end))
            .collect();
        lines.into_iter().rev().map(move |(start, end)| (start, text[start..end].trim_end()))
    }

    /// The line that holds a byte, and the offset of its start.
    pub(crate) fn line_at(&self, offset: usize) -> (usize, &'a str) {
        let start = self.line_starts[self.line_of(offset)];
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        (start, line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, offset: usize) -> (u32, u32) {
        let origin = Source::new("f", text).origin(offset);
        (origin.line, origin.column)
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        let text = "a = 1\n\"ü\" = \"€\" # x";
        assert_eq!(place(text, text.find('#').unwrap()), (2, 11));
    }

    #[test]
    fn a_place_inside_a_character_or_past_the_end_is_still_a_place() {
        assert_eq!(place("ü", 1), (1, 1));
        assert_eq!(place("a\n", 99), (2, 1));
        assert_eq!(place("", 0), (1, 1));
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let text = "\u{feff}a = 1";
        assert_eq!(place(text, 3), (1, 1));
        assert_eq!(place(text, 0), (1, 1));
    }
}
