//! Writes the impls of structs with fields and of unit structs.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{DeriveInput, Field, FieldsNamed, Ident, Path};

use crate::core_path::core_path;
use crate::defaults::{FieldDefault, is_option};
use crate::errors::Errors;
use crate::options::{FieldOptions, Place, TypeOptions, unique};
use crate::source::source;
use crate::text::documentation;

/// `Attributes` and `FromValue` for a struct with named fields.
pub fn named(input: &DeriveInput, fields: &FieldsNamed, errors: &mut Errors) -> TokenStream {
    let options = TypeOptions::read(&input.attrs, &Place::COMPONENT, errors);
    let core = core_path(&options);
    let mut settable = Vec::new();
    let mut build = Vec::new();
    for (index, field) in fields.named.iter().enumerate() {
        let field_options = FieldOptions::read(&field.attrs, &Place::FIELD, errors);
        let (ident, of) = (&field.ident, &field.ty);
        if field_options.skip.is_some() {
            build.push(quote!(#ident: <#of as ::core::default::Default>::default()));
            continue;
        }
        let local = format_ident!("field_{index}", span = Span::mixed_site());
        build.push(quote!(#ident: #local?));
        settable.push(Settable::new(field, field_options, local));
    }
    unique(
        settable.iter().map(|one| (one.name.clone(), one.options.place(&one.field.ident))),
        "attribute",
        errors,
    );

    let ident = &input.ident;
    let schema = settable.iter().map(|one| one.schema(&core));
    let reader = reader();
    let read = settable.iter().map(|one| one.read(&core, &reader));
    let names = settable.iter().map(|one| &one.name);
    let read = quote! {
        #(#read)*
        #reader.no_others(&[#(#names),*]);
        ::core::option::Option::Some(Self { #(#build),* })
    };
    let attributes = attributes(ident, &core, &options, quote!(#(#schema),*), read, errors);
    quote! {
        #attributes

        #[automatically_derived]
        impl #core::attributes::FromValue for #ident {
            fn from_value(
                value: &#core::value::Value,
                reader: &mut #core::attributes::Reader<'_>,
            ) -> ::core::option::Option<Self> {
                reader.nested(value, <Self as #core::attributes::Attributes>::read)
            }

            fn type_name() -> ::std::string::String {
                ::std::string::String::from("table")
            }

            fn shape() -> #core::attributes::Shape {
                #core::attributes::Shape::Table(#core::attributes::Fields(
                    <Self as #core::attributes::Attributes>::schema,
                ))
            }
        }
    }
}

/// `Attributes` for a struct without fields.
pub fn unit(input: &DeriveInput, errors: &mut Errors) -> TokenStream {
    let options = TypeOptions::read(&input.attrs, &Place::COMPONENT, errors);
    let core = core_path(&options);
    let reader = reader();
    let read = quote! {
        #reader.no_others(&[]);
        ::core::option::Option::Some(Self)
    };
    attributes(&input.ident, &core, &options, TokenStream::new(), read, errors)
}

fn attributes(
    ident: &Ident,
    core: &Path,
    options: &TypeOptions,
    schema: TokenStream,
    read: TokenStream,
    errors: &mut Errors,
) -> TokenStream {
    let (features, default_features) = (&options.features, &options.default_features);
    let source = source(ident, core, errors);
    let reader = reader();
    quote! {
        #[automatically_derived]
        impl #core::attributes::Attributes for #ident {
            fn schema() -> ::std::vec::Vec<#core::attributes::AttributeSchema> {
                ::std::vec![#schema]
            }

            fn read(
                #reader: &mut #core::attributes::Reader<'_>,
            ) -> ::core::option::Option<Self> {
                #read
            }

            fn features() -> &'static [&'static ::core::primitive::str] {
                &[#(#features),*]
            }

            fn default_features() -> &'static [&'static ::core::primitive::str] {
                &[#(#default_features),*]
            }

            #source
        }
    }
}

/// The reader, under a name that the expressions of users cannot see.
fn reader() -> Ident {
    Ident::new("reader", Span::mixed_site())
}

/// A field that an environment may set.
struct Settable<'a> {
    field: &'a Field,
    local: Ident,
    name: String,
    default: Option<FieldDefault>,
    options: FieldOptions,
}

impl<'a> Settable<'a> {
    fn new(field: &'a Field, mut options: FieldOptions, local: Ident) -> Self {
        let own = || field.ident.as_ref().map(|own| own.unraw().to_string()).unwrap_or_default();
        let implied = is_option(&field.ty).then_some(FieldDefault::OfType);
        Self {
            field,
            local,
            name: options.name_or(own),
            default: options.default.take().or(implied),
            options,
        }
    }

    fn read(&self, core: &Path, reader: &Ident) -> TokenStream {
        let Self { field, local, name, options, .. } = self;
        let of = &field.ty;
        let read_as = options.read_as(of, core);
        let unwrap = options.serde.then(|| quote!(.map(|read| read.0)));
        let read = match &self.default {
            None => quote!(required::<#read_as>(#name)),
            Some(FieldDefault::Literal { value, .. }) => {
                quote!(optional_literal::<#read_as>(#name, #value))
            }
            Some(default) => {
                let default = default.expression(of);
                let default = if options.serde { quote!(#read_as(#default)) } else { default };
                quote!(optional::<#read_as>(#name, || #default))
            }
        };
        quote!(let #local = #reader.#read #unwrap;)
    }

    fn schema(&self, core: &Path) -> TokenStream {
        let Self { field, name, options, .. } = self;
        let of = &field.ty;
        let read_as = options.read_as(of, core);
        let default = match &self.default {
            Some(default) => {
                let text = default.text(of);
                quote!(::core::option::Option::Some(::std::string::String::from(#text)))
            }
            None => quote!(::core::option::Option::None),
        };
        let doc = documentation(&field.attrs);
        quote! {
            #core::attributes::AttributeSchema {
                name: #name,
                type_name: <#read_as as #core::attributes::FromValue>::type_name(),
                default: #default,
                doc: #doc,
                shape: <#read_as as #core::attributes::FromValue>::shape(),
            }
        }
    }
}
