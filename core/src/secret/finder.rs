//! Finds all secrets in a text at once.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::automaton::Automaton as _;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Input, MatchKind};

use super::MASK;
use super::forms::forms;

/// Finds every form of every secret.
pub(crate) struct Finder {
    /// `None`: there is nothing to find.
    automaton: Option<NFA>,
    /// There is more to find than can be looked for: everything is masked.
    blind: bool,
    /// The forms of several lines; each is begun at every end of a line within it.
    of_lines: Vec<Vec<u8>>,
    /// The length of the longest form.
    longest: usize,
}

impl Finder {
    pub(super) fn new<'a>(secrets: impl Iterator<Item = &'a [u8]>) -> Self {
        let forms: BTreeSet<_> = secrets.flat_map(forms).collect();
        let of_lines = forms.iter().filter(|form| ends(form).next().is_some()).cloned().collect();
        let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
        let built = (!forms.is_empty()).then(|| {
            // Chosen by hand: the crate's own choice among its automata would bring all of them
            // into what is pushed.
            NFA::builder().match_kind(MatchKind::Standard).build(&forms)
        });
        let blind = matches!(built, Some(Err(_)));
        Self { automaton: built.and_then(Result::ok), blind, of_lines, longest }
    }

    /// The length of the longest sequence that is looked for.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// The bytes that are held to know what goes on with the next line.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.of_lines.iter().map(Vec::len).sum()
    }

    pub(crate) fn is_in(&self, content: &[u8]) -> bool {
        // A search fails only where an automaton does not support it; these all do.
        let found = |automaton: &NFA| automaton.try_find(&Input::new(content));
        let found = self.automaton.as_ref().map(|automaton| !matches!(found(automaton), Ok(None)));
        found.unwrap_or(self.blind)
    }

    /// Where the secrets are, in order, those that touch joined.
    pub(crate) fn find(&self, content: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::<Range<usize>>::new();
        let Some(automaton) = &self.automaton else {
            found.extend((self.blind && !content.is_empty()).then_some(0..content.len()));
            return found;
        };
        // All matches, by their ends: those that overlap are masked as one, whichever begins first.
        let Ok(all) = automaton.try_find_overlapping_iter(Input::new(content)) else {
            return std::iter::once(0..content.len()).collect();
        };
        for one in all {
            let mut range = one.range();
            while let Some(last) = found.pop_if(|last| last.end >= range.start) {
                range.start = range.start.min(last.start);
            }
            found.push(range);
        }
        found
    }

    /// The content with `[secret]` in the place of each.
    pub(crate) fn mask<'t>(&self, content: &'t [u8]) -> Cow<'t, [u8]> {
        let found = self.find(content);
        if found.is_empty() {
            return Cow::Borrowed(content);
        }
        let mut masked = Vec::with_capacity(content.len());
        let mut shown = 0;
        for range in found {
            masked.extend_from_slice(&content[shown..range.start]);
            masked.extend_from_slice(MASK.as_bytes());
            shown = range.end;
        }
        masked.extend_from_slice(&content[shown..]);
        Cow::Owned(masked)
    }

    /// How much of some whole lines can be shown now. What follows may be the beginning of a secret
    /// that goes on with the next line.
    pub(crate) fn complete(&self, lines: &[u8]) -> usize {
        let begun = self.of_lines.iter().filter_map(|form| {
            let ends = ends(form).take_while(|end| *end <= lines.len());
            ends.filter(|end| lines.ends_with(&form[..*end])).max()
        });
        let Some(longest) = begun.max() else { return lines.len() };
        let start = lines.len() - longest;
        lines[..start].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
    }
}

/// Where lines end within a form, but for its own end.
fn ends(form: &[u8]) -> impl Iterator<Item = usize> {
    let ends = form.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    ends.filter(|end| *end < form.len())
}
