//! Turns documentation, expressions and names into text.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{Attribute, Expr, Lit, Meta};

/// The documentation comment: a line for each paragraph, none for what is not written in place.
pub fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc"));
    let mut paragraphs = vec![String::new()];
    for text in lines.filter_map(literal) {
        for line in text.lines().map(str::trim) {
            match paragraphs.last_mut() {
                Some(last) if !line.is_empty() => {
                    last.push_str(if last.is_empty() { "" } else { " " });
                    last.push_str(line);
                }
                _ => paragraphs.push(String::new()),
            }
        }
        if text.is_empty() {
            paragraphs.push(String::new());
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n")
}

fn literal(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let Expr::Lit(value) = &pair.value else { return None };
    let Lit::Str(text) = &value.lit else { return None };
    Some(text.value())
}

/// The name of a variant in kebab case: `HttpProxy` and `HTTPProxy` are `http-proxy`.
pub fn kebab_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut kebab = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let starts_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                before != '_'
                    && (!before.is_uppercase() || after.is_some_and(|next| next.is_lowercase()))
            });
        if starts_word {
            kebab.push('-');
        }
        match letter {
            '_' => kebab.push('-'),
            _ => kebab.extend(letter.to_lowercase()),
        }
    }
    kebab
}

/// The tokens as they were written, with one space wherever there was room between two of them.
///
/// The compiler's own text of tokens that went through a parser has spaces around every `::`.
pub fn source(tokens: TokenStream) -> String {
    let mut writer = Writer::default();
    writer.tokens(tokens);
    writer.text
}

#[derive(Default)]
struct Writer {
    text: String,
    end: Option<(usize, usize)>,
}

impl Writer {
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    let text = TokenStream::from(TokenTree::Group(proc_macro2::Group::new(
                        group.delimiter(),
                        TokenStream::new(),
                    )))
                    .to_string();
                    let mut ends = text.chars().filter(|letter| !letter.is_whitespace());
                    let (open, close) = (ends.next(), ends.next());
                    self.write(open.map(String::from), group.span_open());
                    self.tokens(group.stream());
                    self.write(close.map(String::from), group.span_close());
                }
                other => self.write(Some(other.to_string()), other.span()),
            }
        }
    }

    fn write(&mut self, text: Option<String>, span: Span) {
        let span = span.unwrap();
        let (start, end) = (span.start(), span.end());
        if self.end.is_some_and(|end| end != (start.line(), start.column())) {
            self.text.push(' ');
        }
        self.text.push_str(&text.unwrap_or_default());
        self.end = Some((end.line(), end.column()));
    }
}
