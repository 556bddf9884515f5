//! The source of the library, read for its groups, components and methods.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Ident, ImplItem, Item, ReturnType, Token, Visibility, parenthesized};

use crate::root;

const SOURCE: &str = "components/src";

/// What belongs to no group.
const ALWAYS: &str = "Files, directories, links and commands. They are always there.";

/// Components that belong together.
pub(super) struct Group {
    /// What its page is called.
    pub(super) title: String,
    /// The cargo feature; nothing for those that are always there.
    pub(super) feature: Option<String>,
    /// The documentation of its module.
    pub(super) doc: String,
    /// The components by name.
    pub(super) kinds: Vec<Kind>,
}

/// A component.
pub(super) struct Kind {
    /// The file, relative to the repository.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) derives: Vec<String>,
    pub(super) methods: Vec<Method>,
}

/// A public method of a component.
#[derive(Clone)]
pub(super) struct Method {
    pub(super) name: String,
    /// The first paragraph of its documentation, on one line.
    pub(super) doc: String,
    receiver: bool,
    arguments: Vec<String>,
    result: String,
}

impl Kind {
    /// What it needs of a host: the paragraph that begins with `**Needs**: `.
    pub(super) fn needs(&self) -> Option<String> {
        let mut paragraphs = self.doc.split("\n\n");
        let needs = paragraphs.find_map(|paragraph| paragraph.strip_prefix("**Needs**: "))?;
        Some(needs.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl Method {
    /// Whether it makes a component.
    pub(super) fn is_new(&self) -> bool {
        !self.receiver
    }

    /// Whether it sets something of a component.
    pub(super) fn is_builder(&self) -> bool {
        self.result == "Self"
    }

    /// How it is called, with the types of what it takes and, where that is something else than the
    /// component, gives.
    pub(super) fn call(&self, of: &str) -> String {
        let Self { name, arguments, .. } = self;
        let before = if self.receiver { ".".to_owned() } else { format!("{of}::") };
        let result = match self.result.as_str() {
            "" | "Self" => String::new(),
            other => format!(" -> {other}"),
        };
        format!("{before}{name}({}){result}", arguments.join(", "))
    }
}

/// The groups of the library; first what belongs to none.
pub(super) fn groups() -> anyhow::Result<Vec<Group>> {
    let features = features()?;
    let mut library = Library::default();
    let mut files = Vec::new();
    rust_files(&root().join(SOURCE), &mut files)?;
    files.sort();
    for file in &files {
        library.read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    }
    let mut groups = vec![Group {
        title: "Files and commands".to_owned(),
        feature: None,
        doc: ALWAYS.to_owned(),
        kinds: library.take(|top| !features.contains(top)),
    }];
    for feature in &features {
        let doc = library.modules.remove(feature).unwrap_or_default();
        let kinds = library.take(|top| top == feature);
        let title = format!("{}{}", feature[..1].to_uppercase(), &feature[1..]);
        groups.push(Group { title, feature: Some(feature.clone()), doc, kinds });
    }
    Ok(groups)
}

/// The groups that are features of the crate.
fn features() -> anyhow::Result<BTreeSet<String>> {
    let manifest = std::fs::read_to_string(root().join("components/Cargo.toml"))?;
    let manifest: toml::Table = manifest.parse()?;
    let features = manifest.get("features").and_then(toml::Value::as_table);
    let names = features.context("the library has no features")?.keys();
    Ok(names.filter(|name| *name != "default").cloned().collect())
}

fn rust_files(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in directory.read_dir()? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[derive(Default)]
struct Library {
    /// Public types by name, with the first part of their module's path.
    types: BTreeMap<String, (String, Kind)>,
    components: BTreeSet<String>,
    /// Methods by the name of the type.
    methods: BTreeMap<String, Vec<Member>>,
    /// Methods that a macro writes, by its name.
    macros: BTreeMap<String, Vec<Method>>,
    /// Documentation of modules by name, for those at the top.
    modules: BTreeMap<String, String>,
}

/// What stands in the `impl` of a type.
enum Member {
    Method(Method),
    Macro(String),
}

impl Library {
    fn read(&mut self, path: &Path) -> anyhow::Result<()> {
        let file = syn::parse_file(&std::fs::read_to_string(path)?)?;
        let inner = path.strip_prefix(root().join(SOURCE))?;
        let top = inner.iter().next().and_then(|top| top.to_str()).unwrap_or_default();
        let top = top.trim_end_matches(".rs").to_owned();
        if inner.parent().is_some_and(|parent| parent.as_os_str().is_empty()) {
            self.modules.insert(top.clone(), documentation(&file.attrs));
        }
        let shown = path.strip_prefix(root())?.display().to_string();
        for item in file.items {
            self.item(item, &shown, &top)?;
        }
        Ok(())
    }

    fn item(&mut self, item: Item, path: &str, top: &str) -> anyhow::Result<()> {
        match item {
            Item::Struct(item) if matches!(item.vis, Visibility::Public(_)) => {
                let name = item.ident.to_string();
                let kind = Kind {
                    path: path.to_owned(),
                    name: name.clone(),
                    doc: documentation(&item.attrs),
                    derives: derives(&item.attrs),
                    methods: Vec::new(),
                };
                self.types.insert(name, (top.to_owned(), kind));
            }
            Item::Impl(item) => {
                let name = tokens(&*item.self_ty);
                match &item.trait_ {
                    Some((of, _)) if of.is_ident("Component") => {
                        self.components.insert(name);
                    }
                    None => {
                        for member in item.items {
                            self.member(&name, member)?;
                        }
                    }
                    Some(_) => {}
                }
            }
            Item::Macro(item) => {
                if let Some(name) = &item.ident {
                    // What is no list of methods is no macro for them.
                    if let Ok(methods) = methods_of_macro(&item.mac) {
                        self.macros.insert(name.to_string(), methods);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn member(&mut self, of: &str, member: ImplItem) -> anyhow::Result<()> {
        let members = self.methods.entry(of.to_owned()).or_default();
        match member {
            ImplItem::Fn(method) if matches!(method.vis, Visibility::Public(_)) => {
                members.push(Member::Method(Method::of(&method.attrs, &method.sig)));
            }
            ImplItem::Macro(item) if item.mac.tokens.is_empty() => {
                members.push(Member::Macro(tokens(&item.mac.path)));
            }
            ImplItem::Macro(item) => {
                let handed_on: HandedOn = item.mac.parse_body()?;
                members.extend(handed_on.0.into_iter().map(Member::Method));
            }
            _ => {}
        }
        Ok(())
    }

    /// The components of the modules that fit.
    fn take(&mut self, fits: impl Fn(&String) -> bool) -> Vec<Kind> {
        let names = self
            .types
            .iter()
            .filter(|(name, (top, _))| self.components.contains(*name) && fits(top));
        let names: Vec<String> = names.map(|(name, _)| name.clone()).collect();
        let mut kinds = Vec::new();
        for name in names {
            let Some((_, mut kind)) = self.types.remove(&name) else { continue };
            for member in self.methods.remove(&name).into_iter().flatten() {
                match member {
                    Member::Method(method) => kind.methods.push(method),
                    Member::Macro(name) => {
                        kind.methods.extend(self.macros.get(&name).into_iter().flatten().cloned());
                    }
                }
            }
            kinds.push(kind);
        }
        kinds
    }
}

impl Method {
    fn of(attributes: &[Attribute], signature: &syn::Signature) -> Self {
        let arguments = signature.inputs.iter().filter_map(|argument| match argument {
            FnArg::Typed(argument) => Some(tokens(argument)),
            FnArg::Receiver(_) => None,
        });
        let result = match &signature.output {
            ReturnType::Default => String::new(),
            ReturnType::Type(_, of) => tokens(of),
        };
        Self {
            name: signature.ident.to_string(),
            doc: first_paragraph(attributes),
            receiver: signature.receiver().is_some(),
            arguments: arguments.collect(),
            result,
        }
    }
}

/// The methods in the only rule of a macro without parameters.
fn methods_of_macro(of: &syn::Macro) -> anyhow::Result<Vec<Method>> {
    let body = of.tokens.clone().into_iter().find_map(|token| match token {
        proc_macro2::TokenTree::Group(group) if !group.stream().is_empty() => Some(group.stream()),
        _ => None,
    });
    let body = body.context("the macro has no rule")?.to_string();
    let text =
        format!("impl Any {{ {} }}", body.replace("$crate", "crate").replace("$ crate", "crate"));
    let methods = syn::parse_str::<syn::ItemImpl>(&text)?.items.into_iter();
    Ok(methods
        .filter_map(|item| match item {
            ImplItem::Fn(method) => Some(Method::of(&method.attrs, &method.sig)),
            _ => None,
        })
        .collect())
}

/// Methods as a macro is told them: `/// …` and `name(argument: Type);` each.
struct HandedOn(Vec<Method>);

impl Parse for HandedOn {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut methods = Vec::new();
        while !input.is_empty() {
            let attributes = input.call(Attribute::parse_outer)?;
            let name: Ident = input.parse()?;
            let arguments;
            parenthesized!(arguments in input);
            let arguments = Punctuated::<FnArg, Token![,]>::parse_terminated(&arguments)?;
            input.parse::<Token![;]>()?;
            methods.push(Method {
                name: name.to_string(),
                doc: first_paragraph(&attributes),
                receiver: true,
                arguments: arguments.iter().map(tokens).collect(),
                result: "Self".to_owned(),
            });
        }
        Ok(Self(methods))
    }
}

/// The text of documentation comments.
fn documentation(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        let syn::Meta::NameValue(value) = &attribute.meta else { continue };
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(line), .. }) = &value.value else {
            continue;
        };
        let line = line.value();
        text += line.strip_prefix(' ').unwrap_or(&line);
        text.push('\n');
    }
    text.trim_end().to_owned()
}

fn first_paragraph(attributes: &[Attribute]) -> String {
    let doc = documentation(attributes);
    let first = doc.split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn derives(attributes: &[Attribute]) -> Vec<String> {
    let mut names = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        let list = attribute.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated);
        // The compiler has read it before: it is a list of paths.
        names.extend(list.into_iter().flatten().map(|path| tokens(&path)));
    }
    names
}

/// Code on one line, as it is usually written.
fn tokens(code: &impl quote::ToTokens) -> String {
    let mut text = code.to_token_stream().to_string();
    for (wide, narrow) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" :", ":"),
        ("& ", "&"),
        ("( ", "("),
        (" (", "("),
        (" )", ")"),
        ("[ ", "["),
        (" ]", "]"),
        (" ;", ";"),
        ("' ", "'"),
        ("mut ", ""),
        ("crate::mode::", ""),
        ("template::", ""),
    ] {
        text = text.replace(wide, narrow);
    }
    text
}
