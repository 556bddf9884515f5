use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::ui::{Stream, Ui};

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

impl Completions {
    /// Prints the script for a program of the given name.
    pub fn run(&self, program: &str, ui: &Ui) {
        self.run_for(&mut Arguments::command(), program, ui);
    }

    /// Prints the script for another command line.
    pub fn run_for(&self, command: &mut clap::Command, program: &str, ui: &Ui) {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, program, &mut script);
        ui.write(Stream::Data, &String::from_utf8_lossy(&script));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Choices, testing};

    #[test]
    fn completions_are_for_the_program_that_was_called() {
        let (ui, data, _) = testing::recorded(Choices::default());
        Completions { shell: Shell::Bash }.run("shop", &ui);
        assert!(data.text().contains("complete -F _shop "));
    }
}
