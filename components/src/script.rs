//! Scripts with guards.

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::demand;
use togusa_core::digest::Digest;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::template;

use crate::command::Command;
use crate::directory::Directory;
use crate::file::{File, Text};
use crate::location::Location;

/// A script that an interpreter runs when its guards say so.
///
/// The guards are those of [`Command`]: one must be given, or
/// [`when_changed`](Self::when_changed), which runs the script whenever its text changed since it
/// last ran well.
///
/// | attribute | default |
/// |---|---|
/// | `interpreter` | `sh`, or what the first line of the script names after `#!` |
/// | `args` | none |
/// | all of `Command` | as for `Command` |
///
/// The script lies in the directory `scripts` of the root's work directory, readable for the user
/// alone who runs it; who is another one has to be able to reach that directory. Assets are taken as
/// they are; [`template`](Self::template) renders one.
///
/// `verify` reads the script's file and runs the guards; `update` writes the file, and runs the
/// interpreter with its path and the arguments. It needs the interpreter; another user needs `sudo`.
///
/// What a script brought about is absent by what removes it: another script, or a `Purge`.
///
/// **Needs**: its interpreter; `sudo` for another user.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let script = Script::inline("reindex", "import sys\nprint(sys.argv)\n");
///     scope.add(script.interpreter("python3").args(["--all"]).when_changed());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Script {
    name: String,
    body: Option<Body>,
    interpreter: Option<String>,
    when_changed: bool,
    user: Option<String>,
    sensitive: bool,
    command: Option<Command>,
}

#[derive(Debug)]
enum Body {
    Asset,
    Text(Text),
    Template(template::Context),
}

/// Methods that a script hands on to its command.
macro_rules! of_command {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*);)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $($arg: $type),*) -> Self {
            self.command = self.command.map(|command| command.$name($($arg),*));
            self
        })*
    };
}

impl Script {
    fn of(name: impl Into<String>, body: Body) -> Self {
        Self {
            name: name.into(),
            body: Some(body),
            interpreter: None,
            when_changed: false,
            user: None,
            sensitive: false,
            command: Some(Command::new(Exec::new("sh"))),
        }
    }

    /// A script that is an asset.
    pub fn new(asset: impl Into<String>) -> Self {
        Self::of(asset, Body::Asset)
    }

    /// A script that stands in the code, with a name for messages.
    pub fn inline(name: impl Into<String>, text: impl Into<Text>) -> Self {
        Self::of(name, Body::Text(text.into()))
    }

    /// A script that is rendered from an asset.
    pub fn template(asset: impl Into<String>, context: template::Context) -> Self {
        Self::of(asset, Body::Template(context))
    }

    /// Sets the program that runs it.
    #[must_use]
    pub fn interpreter(mut self, program: impl Into<String>) -> Self {
        self.interpreter = Some(program.into());
        self
    }

    /// Runs it whenever its text changed since it last ran well, also when it is new.
    #[must_use]
    pub fn when_changed(mut self) -> Self {
        self.when_changed = true;
        self
    }

    /// Runs it as another user; checks run as the converging one unless they say otherwise.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.command = self.command.map(|command| command.user(name.clone()));
        self.user = Some(name);
        self
    }

    /// Hides its text, arguments, variables, input and output.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.command = self.command.map(Command::sensitive);
        self.sensitive = true;
        self
    }

    of_command! {
        /// Adds arguments.
        args(args: impl IntoIterator<Item = impl Into<String>>);
        /// Runs it if a check fails.
        unless(check: Exec);
        /// Runs it only if a condition holds.
        only_if(condition: Exec);
        /// Runs it if a file is missing that it creates. May be given several times.
        creates(path: impl Into<Location>);
        /// Runs it also if what it creates is older than one of these files.
        newer_than(inputs: impl IntoIterator<Item = impl Into<Location>>);
        /// Runs it only when a trigger is pending.
        on_trigger_only();
        /// Sets the directory to run in.
        directory(path: impl Into<Location>);
        /// Sets an environment variable.
        env(name: impl Into<String>, value: impl Into<String>);
        /// Sets how long it may take.
        timeout(timeout: Duration);
        /// Lets it take as long as it wants.
        without_timeout();
        /// Sets what it reads on its standard input.
        stdin(bytes: impl Into<Vec<u8>>);
        /// Sets the exit codes that are no failure.
        accept(codes: impl IntoIterator<Item = i32>);
    }
}

impl Component for Script {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let parts = self.body.take().zip(self.command.take());
        let (body, command) =
            parts.context("the script was configured already").code(code::NOT_CONFIGURED)?;
        // Scripts of one name in several places of a root are several files.
        let place = Digest::of(scope.breadcrumb().to_string().as_bytes()).short();
        let name = self.name.rsplit('/').next().unwrap_or_default();
        demand!(!name.is_empty(), code::OPTION_MISSING, "the script has no name");
        let directory = scope.work_directory().join("scripts");
        // Others may pass through, to the script that is theirs, and see no names.
        let directory = scope.add(Directory::new(&directory).mode(0o711));
        let path = directory.path().join(format!("{place}-{name}"));
        let mut file = File::new(&path).mode(0o600);
        file = match body {
            Body::Asset => file.source(&self.name).verbatim(),
            Body::Text(text) => file.content(text),
            Body::Template(context) => file.template(&self.name, context),
        };
        if let Some(user) = &self.user {
            file = file.owner(user);
        }
        if self.sensitive {
            file = file.sensitive();
        }
        let file = scope.add(file);
        let mut command = command.named(name).running(&path, self.interpreter.clone());
        if !self.when_changed {
            scope.add(command);
            return Ok(());
        }
        command = command.on_trigger_only();
        scope.on_change(&file).add(command);
        Ok(())
    }
}
