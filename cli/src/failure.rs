//! Why a command ended without doing what was asked.

use serde_json::json;
use togusa_core::problem::{Problem, Problems};

use crate::exit::Exit;
use crate::text;
use crate::ui::{Ink, Paint, Stream, Ui};
use crate::view::problem_lines;

/// What is wrong, and the exit code for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong.
    pub problems: Problems,
}

impl Failure {
    /// Wrong use, or an environment or a model that is wrong: no host was touched.
    pub fn wrong_use(problems: impl IntoIterator<Item = Problem>) -> Self {
        Self { exit: Exit::Wrong, problems: Problems::new(problems) }
    }

    /// Something that failed where hosts may have been touched.
    pub fn failed(problem: Problem) -> Self {
        Self { exit: Exit::Failed, problems: Problems::new([problem]) }
    }

    /// The problems as text for people, with `error` and its code before each.
    pub fn render(&self, paint: Paint) -> String {
        let mut shown = String::new();
        for problem in &self.problems.list {
            shown += &problem_lines(paint, "", Ink::Remove, "error", problem);
        }
        if self.problems.follow_ups > 0 {
            let follow_ups = text::count(self.problems.follow_ups, "more problem");
            let verb = if self.problems.follow_ups == 1 { "follows" } else { "follow" };
            shown += &format!("{follow_ups} that {verb} from these\n");
        }
        shown
    }

    /// Shows the problems; with `--json` also as an object on standard output.
    pub fn show(&self, ui: &Ui) {
        ui.failed(self.problems.list.iter().map(|problem| problem.code));
        if ui.choices.json {
            let object = json!({
                "event": "failure",
                "exit": self.exit as u8,
                "problems": self.problems.list,
                "follow_ups": self.problems.follow_ups,
            });
            ui.write(Stream::Data, &format!("{object}\n"));
        }
        ui.write(Stream::Notes, &self.render(ui.paint(Stream::Notes)));
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self { exit: Exit::Wrong, problems }
    }
}

#[cfg(test)]
mod tests {
    use togusa_core::problem::code;
    use togusa_core::value::Origin;

    use super::*;
    use crate::ui::{Choices, testing};

    fn failure() -> Failure {
        let origin =
            Origin { file: "environments/prod/environment.toml".into(), line: 3, column: 1 };
        let unknown = Problem::new(code::UNKNOWN_ATTRIBUTE, "unknown attribute `wrokers`")
            .at(Some(origin))
            .hint("did you mean `workers`?")
            .on(&"web1".into())
            .on(&"web2".into());
        let mut unreadable = Problem::new(code::ASSET_UNREADABLE, "failed to read asset `a.conf`");
        unreadable.causes = vec!["cannot open\nthe file".into(), "denied \u{1b}[1m".into()];
        let mut problems = Problems::new([unknown, unreadable]);
        problems.follow_ups = 2;
        problems.into()
    }

    #[test]
    fn problems_show_place_hosts_numbered_causes_and_hint() {
        insta::assert_snapshot!(failure().render(Paint(false)), @r"
        error[T0316]: failed to read asset `a.conf`
          1: cannot open
             the file
          2: denied \x1b[1m
        error[T0123]: environments/prod/environment.toml:3:1: unknown attribute `wrokers` (on web1, web2)
          hint: did you mean `workers`?
        2 more problems that follow from these
        ");
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let coloured = failure().render(Paint(true));
        let mut plain = String::new();
        for (number, part) in coloured.split('\u{1b}').enumerate() {
            plain += if number == 0 { part } else { part.split_once('m').unwrap().1 };
        }
        assert_ne!(coloured, plain);
        assert_eq!(plain, failure().render(Paint(false)));
    }

    #[test]
    fn machines_read_the_same_problems_from_standard_output() {
        let (ui, data, notes) = testing::recorded(Choices { json: true, ..Choices::default() });
        failure().show(&ui);
        let object: serde_json::Value = serde_json::from_str(&data.text()).unwrap();
        assert_eq!(object["event"], "failure");
        assert_eq!(object["exit"], 2);
        assert_eq!(object["problems"][1]["hosts"], json!(["web1", "web2"]));
        assert!(notes.text().starts_with("error[T0316]: "));
    }
}
