//! Templates: rendered once by the coordinator to find mistakes, and by each host for itself.

pub(crate) mod render_time;
pub(crate) mod secrets;

use std::fmt;
use std::sync::{Arc, LazyLock, RwLock};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use crate::assets::Asset;
use crate::digest::Digest;
use crate::problem::{Code, code};

pub use render_time::RenderTable;

/// The variables of a template; made by [`context!`](crate::context).
#[derive(Clone, Default, PartialEq)]
pub struct Context {
    values: std::collections::BTreeMap<String, Value>,
}

impl Context {
    /// Sets a variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl serde::Serialize) -> Self {
        self.values.insert(name.to_owned(), Value::from(minijinja::value::Serde(value)));
        self
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.values).finish()
    }
}

/// Makes the variables of a template: `context! { port, name => "web" }`.
///
/// A value can be anything that serde serializes. It is copied, not moved.
#[macro_export]
macro_rules! context {
    ($($name:ident $(=> $value:expr)?),* $(,)?) => {
        $crate::template::Context::default()
            $(.with(stringify!($name), $crate::__context_value!($name $($value)?)))*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __context_value {
    ($name:ident) => {
        &$name
    };
    ($name:ident $value:expr) => {
        &$value
    };
}

/// A template with its variables; made by `scope.template(…)`.
#[derive(Clone, PartialEq)]
pub struct Template {
    pub(crate) name: String,
    pub(crate) text: TemplateText,
    pub(crate) context: Context,
}

#[derive(Clone, PartialEq)]
pub(crate) enum TemplateText {
    Asset(Asset),
    Inline(Arc<str>),
}

impl Template {
    /// The name that errors give.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            TemplateText::Asset(asset) => write!(f, "Template({asset:?}, {:?})", self.context),
            TemplateText::Inline(text) => {
                write!(f, "Template({:?}, {text:?}, {:?})", self.name, self.context)
            }
        }
    }
}

/// Why a template could not be rendered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("template `{name}`{}: {detail}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct TemplateError {
    /// The template's name.
    pub name: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong there.
    pub detail: String,
}

impl TemplateError {
    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        code::TEMPLATE
    }

    fn new(name: &str, error: &minijinja::Error) -> Self {
        if let Some(host) = render_time::take_unknown_home() {
            let detail = format!("the home on host `{host}`, which takes no part, is not known");
            return Self { name: name.to_owned(), line: error.line(), detail };
        }
        let mut detail = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        if error.kind() == minijinja::ErrorKind::UndefinedError
            && let Some(detail_text) = error.detail()
        {
            detail = format!("variable {detail_text}");
        }
        Self { name: name.to_owned(), line: error.line(), detail }
    }
}

/// Compiled templates by the digest of their text.
static COMPILED: LazyLock<RwLock<Environment<'static>>> = LazyLock::new(|| RwLock::new(engine()));

fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    // Lets an error name the variable. The values, which may be secret, stay inside of the error:
    // only its kind, detail and line are shown.
    engine.set_debug(true);
    // Configuration files are not HTML: nothing is escaped by the name of the file.
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    let syntax = SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    match syntax {
        Ok(syntax) => engine.set_syntax(syntax),
        Err(error) => unreachable!("the syntax is a constant: {error}"),
    }
    engine
}

/// A rendered template.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// Whether a secret shaped it, or stands in it.
    pub sensitive: bool,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Rendered");
        match self.sensitive {
            true => debug.field("text", &format_args!("{}", crate::secret::MASK)),
            false => debug.field("text", &self.text),
        };
        debug.field("sensitive", &self.sensitive).finish()
    }
}

/// Renders a text as a template. Secrets among the variables are texts to it.
///
/// Whether one of them shapes what comes out is found by rendering it again with others in their
/// places.
///
/// # Errors
/// A syntax error or an undefined variable, with the template's name and the line.
pub(crate) fn render(
    name: &str,
    text: &str,
    digest: Option<Digest>,
    context: Value,
    table: &Arc<RenderTable>,
) -> Result<Rendered, TemplateError> {
    let Some(revealed) = secrets::revealed(&context, secrets::Revealing::Secret) else {
        return Ok(Rendered {
            text: render_plain(name, text, digest, context, table)?,
            sensitive: false,
        });
    };
    let rendered = render_plain(name, text, digest, revealed, table)?;
    let other = secrets::revealed(&context, secrets::Revealing::Other).unwrap_or_default();
    let other = render_plain(name, text, digest, other, table);
    // What fails with another secret depends on it too.
    let sensitive = other.map_or(true, |other| other != rendered);
    Ok(Rendered { text: rendered, sensitive })
}

/// The variables with `[secret]` in the place of each secret, for people to see what is rendered.
pub(crate) fn masked(context: Value) -> Value {
    secrets::revealed(&context, secrets::Revealing::Mask).unwrap_or(context)
}

/// Renders a text as a template.
///
/// # Errors
/// A syntax error or an undefined variable, with the template's name and the line.
pub(crate) fn render_plain(
    name: &str,
    text: &str,
    digest: Option<Digest>,
    context: Value,
    table: &Arc<RenderTable>,
) -> Result<String, TemplateError> {
    render_time::with(table, || {
        let error = |error: minijinja::Error| TemplateError::new(name, &error);
        let Some(digest) = digest else {
            let engine = COMPILED.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            return engine.render_named_str(name, text, context).map_err(error);
        };
        let key = digest.to_string();
        let engine = COMPILED.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Ok(template) = engine.get_template(&key) {
            return template.render(context).map_err(error);
        }
        drop(engine);
        let mut engine = COMPILED.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        engine.add_template_owned(key.clone(), text.to_owned()).map_err(error)?;
        drop(engine);
        let engine = COMPILED.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        engine.get_template(&key).and_then(|template| template.render(context)).map_err(error)
    })
}

/// Whether the text of an asset has been compiled already, so that it need not be read.
pub(crate) fn is_compiled(digest: Digest) -> bool {
    let engine = COMPILED.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    engine.get_template(&digest.to_string()).is_ok()
}

/// The variables of a template with those that every template sees.
pub(crate) fn with_globals(context: &Context, globals: &[(&str, Value)]) -> Value {
    let mut values = context.values.clone();
    for (name, value) in globals {
        values.entry((*name).to_owned()).or_insert_with(|| value.clone());
    }
    Value::from(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::HostPath;

    fn try_render(text: &str, context: Context) -> Result<String, String> {
        let mut table = RenderTable::default();
        table.homes.insert("web".into(), "/home/u".into());
        render("t", text, None, with_globals(&context, &[]), &Arc::new(table))
            .map(|rendered| rendered.text)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_undefined_variable_is_an_error_with_name_line_and_variable() {
        assert_eq!(
            try_render("a\n{{ nothing }}\n", context! {}),
            Err("template `t`, line 2: variable `nothing` is undefined".into())
        );
    }

    #[test]
    fn the_trailing_newline_is_kept() {
        assert_eq!(try_render("{{ port }}\n", context! { port => 80 }), Ok("80\n".into()));
    }

    #[test]
    fn a_path_renders_expanded_but_hashes_symbolic() {
        let path = HostPath::new(&"web".into(), "~/x");
        let context = context! { path };
        assert_eq!(try_render("{{ path }}/y", context.clone()), Ok("/home/u/x/y".into()));
        assert_eq!(format!("{context:?}"), "{\"path\": web:~/x}");
    }

    #[test]
    fn a_path_of_a_host_that_takes_no_part_is_an_error_not_a_tilde() {
        let table = Arc::new(RenderTable { strict: true, ..RenderTable::default() });
        let path = HostPath::new(&"db".into(), "~/x");
        let values = with_globals(&context! { path }, &[]);
        let error = render("t", "a\n{{ path }}", None, values, &table).unwrap_err();
        assert_eq!(
            error.to_string(),
            "template `t`, line 2: the home on host `db`, which takes no part, is not known"
        );
    }

    #[test]
    fn values_are_not_escaped_for_html() {
        assert_eq!(try_render("{{ a }}", context! { a => "<&>" }), Ok("<&>".into()));
    }
}
