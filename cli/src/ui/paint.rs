use clap::builder::styling::{AnsiColor, Effects, Style};

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paint(pub bool);

/// What a colour stands for; it never carries a meaning alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Something is made, or all is well.
    Create,
    /// Something changes, or deserves attention.
    Change,
    /// Something is removed, or failed.
    Remove,
    /// Something is not known yet, or is a hint.
    Unknown,
    /// Something stays as it is, or is less important.
    Faint,
    /// The name of the thing that the following lines are about.
    Name,
}

impl Paint {
    /// The text in a colour, if there are colours.
    pub fn text(self, ink: Ink, text: &str) -> String {
        if !self.0 || text.is_empty() {
            return text.to_owned();
        }
        let style = ink.style();
        format!("{style}{text}{style:#}")
    }
}

impl Ink {
    fn style(self) -> Style {
        match self {
            Self::Create => AnsiColor::Green.on_default(),
            Self::Change => AnsiColor::Yellow.on_default(),
            Self::Remove => AnsiColor::Red.on_default(),
            Self::Unknown => AnsiColor::Cyan.on_default(),
            Self::Faint => Style::new().effects(Effects::DIMMED),
            Self::Name => Style::new().effects(Effects::BOLD),
        }
    }
}
