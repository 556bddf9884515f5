//! Programs that answer as a test says, and remember how they were called.

mod script;

pub(super) use script::{Places, script};

/// A program that answers as a test says instead of doing anything.
///
/// It stands in for the program of that name on the hosts of one harness, for commands of
/// components as for what their scripts call. The first answer fits whose arguments do. A call that
/// no answer fits fails and says so; a fake without any answers succeeds at everything.
///
/// ```
/// use togusa_core::testing::{Answer, Fake};
///
/// let systemctl = Fake::new("systemctl")
///     .on(["is-active", "app"], Answer::ok().stdout("active\n").when("running"))
///     .on(["is-active", "app"], Answer::exit(3).stdout("inactive\n"))
///     .on(["start", "app"], Answer::ok().sets("running"))
///     .on_start(["show"], [Answer::exit(1).stderr("too early\n"), Answer::ok()])
///     .otherwise(Answer::ok());
/// ```
#[derive(Clone, Debug)]
pub struct Fake {
    pub(super) program: String,
    rules: Vec<Rule>,
}

/// What is answered to some arguments.
#[derive(Clone, Debug)]
struct Rule {
    arguments: Vec<String>,
    /// More arguments may follow.
    open: bool,
    answers: Vec<Answer>,
}

impl Fake {
    /// A fake of a program, by what commands call it: its name, or a path where they have one.
    pub fn new(program: impl Into<String>) -> Self {
        Self { program: program.into(), rules: Vec::new() }
    }

    /// Answers a call with exactly these arguments, of which `*` is any one. Several answers are
    /// given one after the other on each host, the last of them again and again.
    #[must_use]
    pub fn on<'a>(
        self,
        arguments: impl IntoIterator<Item = &'a str>,
        answers: impl Into<Answers>,
    ) -> Self {
        self.rule(arguments, false, answers)
    }

    /// Answers every call that begins with these arguments, of which `*` is any one.
    #[must_use]
    pub fn on_start<'a>(
        self,
        arguments: impl IntoIterator<Item = &'a str>,
        answers: impl Into<Answers>,
    ) -> Self {
        self.rule(arguments, true, answers)
    }

    /// Answers every call that no answer before it fits.
    #[must_use]
    pub fn otherwise(self, answers: impl Into<Answers>) -> Self {
        self.rule([], true, answers)
    }

    fn rule<'a>(
        mut self,
        arguments: impl IntoIterator<Item = &'a str>,
        open: bool,
        answers: impl Into<Answers>,
    ) -> Self {
        let Answers(answers) = answers.into();
        let program = &self.program;
        assert!(!answers.is_empty(), "the fake of `{program}` has a rule without an answer");
        let sets = answers.iter().filter(|answer| answer.when.is_some()).count();
        assert!(
            sets == 0 || answers.len() == 1,
            "the fake of `{program}` has several answers in a row, of which one has a `when`: give \
             each a rule of its own"
        );
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        self.rules.push(Rule { arguments, open, answers });
        self
    }
}

impl From<&str> for Fake {
    fn from(program: &str) -> Self {
        Self::new(program)
    }
}

/// What a fake does when it is called.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    code: i32,
    stdout: String,
    stderr: String,
    effects: Vec<Effect>,
    when: Option<String>,
    end: End,
}

/// What an answer changes on its host.
#[derive(Clone, Debug)]
enum Effect {
    Create { path: String, content: String },
    Remove { path: String },
    Set { name: String },
    Unset { name: String },
}

/// How a fake ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Exits,
    Hangs,
    /// It becomes the program that it stands for.
    Runs,
}

impl Answer {
    /// Succeeds and prints nothing.
    pub fn ok() -> Self {
        Self::default()
    }

    /// Ends with a code and prints nothing.
    pub fn exit(code: i32) -> Self {
        Self { code, ..Self::default() }
    }

    /// Never ends by itself: for what a component does about a command that hangs.
    pub fn hangs() -> Self {
        Self { end: End::Hangs, ..Self::default() }
    }

    /// Runs the real program after all; its calls are recorded as well.
    pub fn real() -> Self {
        Self { end: End::Runs, ..Self::default() }
    }

    /// Prints a text on standard output.
    #[must_use]
    pub fn stdout(mut self, text: impl Into<String>) -> Self {
        self.stdout = text.into();
        self
    }

    /// Prints a text on standard error.
    #[must_use]
    pub fn stderr(mut self, text: impl Into<String>) -> Self {
        self.stderr = text.into();
        self
    }

    /// Writes a file, with the directories that it needs: below the host's home for `~/…`, below
    /// the directory of the call where the path is relative.
    #[must_use]
    pub fn creates(mut self, path: impl Into<String>, content: impl Into<String>) -> Self {
        self.effects.push(Effect::Create { path: path.into(), content: content.into() });
        self
    }

    /// Removes a file or a directory.
    #[must_use]
    pub fn removes(mut self, path: impl Into<String>) -> Self {
        self.effects.push(Effect::Remove { path: path.into() });
        self
    }

    /// Remembers something on the host, for answers that are given only [`when`](Self::when) it is
    /// so. All fakes of a host share what they remember.
    #[must_use]
    pub fn sets(mut self, name: impl Into<String>) -> Self {
        self.effects.push(Effect::Set { name: name.into() });
        self
    }

    /// Forgets it.
    #[must_use]
    pub fn unsets(mut self, name: impl Into<String>) -> Self {
        self.effects.push(Effect::Unset { name: name.into() });
        self
    }

    /// Gives this answer only while something [is remembered](Self::sets) on the host.
    #[must_use]
    pub fn when(mut self, name: impl Into<String>) -> Self {
        self.when = Some(name.into());
        self
    }
}

/// One answer, or several to be given one after the other.
#[derive(Clone, Debug)]
pub struct Answers(Vec<Answer>);

impl From<Answer> for Answers {
    fn from(answer: Answer) -> Self {
        Self(vec![answer])
    }
}

impl<const N: usize> From<[Answer; N]> for Answers {
    fn from(answers: [Answer; N]) -> Self {
        Self(answers.into())
    }
}

impl From<Vec<Answer>> for Answers {
    fn from(answers: Vec<Answer>) -> Self {
        Self(answers)
    }
}
