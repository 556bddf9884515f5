//! Collects every mistake before the first is reported.

use quote::ToTokens;

/// The mistakes found so far.
#[derive(Default)]
pub struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds a mistake that has a place already.
    pub fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Adds a mistake at the given tokens.
    pub fn at(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Gives the result if there was no mistake, otherwise all of them.
    pub fn finish<T>(self, result: T) -> syn::Result<T> {
        match self.0 {
            Some(all) => Err(all),
            None => Ok(result),
        }
    }
}
