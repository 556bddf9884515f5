//! Records where the source lies and embeds the files beside it.

use std::path::{Path as FilePath, PathBuf};

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, Path};

use crate::errors::Errors;

/// The function `source` of the trait.
pub fn source(ident: &Ident, core: &Path, errors: &mut Errors) -> TokenStream {
    let file = quote_spanned!(ident.span()=> ::core::file!());
    let embedded = embedded().unwrap_or_else(|reason| {
        errors.at(ident, reason);
        Vec::new()
    });
    let embedded =
        embedded.iter().map(|(name, path)| quote!((#name, ::core::include_bytes!(#path))));
    quote! {
        fn source() -> #core::attributes::SourceLocation {
            // Makes cargo compile again when the variable changes.
            const _: ::core::option::Option<&::core::primitive::str> =
                ::core::option_env!("TOGUSA_EMBED");
            #core::attributes::SourceLocation {
                crate_name: ::core::env!("CARGO_PKG_NAME"),
                manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
                file: #file,
                embedded: &[#(#embedded),*],
            }
        }
    }
}

/// The files to embed: names relative to the directory of the source file, absolute paths.
fn embedded() -> Result<Vec<(String, String)>, String> {
    if !embeds() {
        return Ok(Vec::new());
    }
    let file = proc_macro::Span::call_site()
        .local_file()
        .ok_or("cannot embed assets: the compiler does not name the source file")?;
    let file = std::path::absolute(&file)
        .map_err(|error| format!("cannot embed assets beside `{}`: {error}", file.display()))?;
    let mut found = Vec::new();
    if let Some(directory) = file.parent() {
        collect(directory, "", &mut found)?;
    }
    found.sort();
    Ok(found)
}

/// Whether the crate's files will not be there at run time.
fn embeds() -> bool {
    if let Some(wish) = std::env::var_os("TOGUSA_EMBED").filter(|wish| !wish.is_empty()) {
        return wish != "0";
    }
    let directory = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let directory = directory.to_string_lossy();
    directory.contains("/registry/src/") || directory.contains("/git/checkouts/")
}

fn collect(
    directory: &FilePath,
    below: &str,
    found: &mut Vec<(String, String)>,
) -> Result<(), String> {
    let because = |error| format!("cannot embed assets of `{}`: {error}", directory.display());
    for entry in std::fs::read_dir(directory).map_err(because)? {
        let entry = entry.map_err(because)?;
        let path = entry.path();
        let name = utf8(entry.file_name().into())?;
        let name = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.file_type().map_err(because)?.is_dir() {
            // A directory of build results, which lies there if the crate's own holds the source.
            if !path.join("CACHEDIR.TAG").exists() {
                collect(&path, &name, found)?;
            }
        } else if path.is_file() && path.extension().is_none_or(|kind| kind != "rs") {
            found.push((name, utf8(path)?));
        }
    }
    Ok(())
}

fn utf8(path: PathBuf) -> Result<String, String> {
    path.into_os_string()
        .into_string()
        .map_err(|path| format!("cannot embed asset {}: its name is not UTF-8", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_below_but_sources_and_build_results_are_embedded() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        for name in ["app.conf", "lib.rs", "a/b/c.j2", "a/mod.rs", "target/CACHEDIR.TAG"] {
            let path = at(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(path, name).expect("a file");
        }
        let mut found = Vec::new();
        collect(directory.path(), "", &mut found).expect("all can be read");
        found.sort();
        let expected = ["a/b/c.j2", "app.conf"]
            .map(|name| (name.to_owned(), at(name).to_string_lossy().into_owned()));
        assert_eq!(found, expected);
    }
}
