use std::io::{self, IsTerminal as _};

use serde_json::json;
use togusa_core::problem::{Code, Problem, code};

use crate::exit::Exit;
use crate::explain::{Page, nearest, pages, plain, readable};
use crate::failure::Failure;
use crate::ui::{Ink, Stream, Ui};

/// Explain an error by its code: cause, remedy and an example
///
/// Without a code, list all of them.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// Codes as errors show them, such as T0101
    #[arg(value_name = "CODE")]
    pub codes: Vec<String>,
}

impl Explain {
    /// Prints the pages that were asked for, or the list of all.
    ///
    /// # Errors
    /// There is no such code.
    pub fn run(&self, ui: &Ui) -> Result<Exit, Failure> {
        let found: Vec<_> = self.codes.iter().map(|text| find(text)).collect();
        if found.iter().any(Result::is_err) {
            return Err(Failure::wrong_use(found.into_iter().filter_map(Result::err)));
        }
        let found: Vec<_> = found.into_iter().filter_map(Result::ok).collect();
        if ui.choices.json {
            let list = if found.is_empty() { pages().collect() } else { found };
            ui.write(Stream::Data, &format!("{}\n", json!(list)));
        } else if found.is_empty() {
            ui.write(Stream::Data, &list(ui));
        } else {
            let is_read = ui.choices.data_colour || io::stdout().is_terminal();
            let shown = found.iter().map(|page| match is_read {
                true => readable(page.markdown, ui.paint(Stream::Data)),
                false => plain(page.markdown),
            });
            ui.write(Stream::Data, &shown.collect::<Vec<_>>().join("\n"));
        }
        Ok(Exit::Success)
    }
}

fn find(text: &str) -> Result<Page, Problem> {
    Code::find(text).and_then(Page::of).ok_or_else(|| {
        let problem = Problem::new(code::UNKNOWN_CODE, format!("there is no code `{text}`"));
        let near: Vec<_> = nearest(text).iter().map(|code| format!("`{code}`")).collect();
        problem.hint(match near.as_slice() {
            [] => "a code looks like `T0101`; `explain` without one lists all".to_owned(),
            near => {
                format!("the nearest are {}; `explain` without a code lists all", near.join(", "))
            }
        })
    })
}

fn list(ui: &Ui) -> String {
    let mut text = String::new();
    let mut area = "";
    for page in pages() {
        if page.area != area {
            let gap = if area.is_empty() { "" } else { "\n" };
            area = page.area;
            text += &format!("{gap}{}\n", ui.paint(Stream::Data).text(Ink::Name, area));
        }
        text += &format!("  {}  {}\n", page.code, page.title);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Choices, testing};

    fn explain(codes: &[&str], json: bool) -> (Result<Exit, Failure>, String) {
        let (ui, data, _) = testing::recorded(Choices { json, ..Choices::default() });
        let codes = codes.iter().map(ToString::to_string).collect();
        (Explain { codes }.run(&ui), data.text())
    }

    #[test]
    fn a_page_is_printed_however_its_code_is_written() {
        let page = Page::of(code::NOT_TOML).unwrap().markdown;
        for text in ["T0101", "t0101", "101", "error[T0101]:"] {
            let (exit, printed) = explain(&[text], false);
            if !io::stdout().is_terminal() {
                assert_eq!(printed, page);
            }
            assert!(exit.is_ok() && printed.contains("T0101: "), "{text}");
        }
        let (_, both) = explain(&["T0101", "T0102"], false);
        assert!(both.contains("T0101: ") && both.contains("T0102: "));
    }

    #[test]
    fn an_unknown_code_names_the_nearest() {
        let (failed, printed) = explain(&["T0101", "T0190", "toml"], false);
        assert_eq!(printed, "");
        insta::assert_snapshot!(failed.unwrap_err().render(crate::ui::Paint(false)), @r"
        error[T0009]: there is no code `T0190`
          hint: the nearest are `T0120`, `T0110`, `T0790`; `explain` without a code lists all
        error[T0009]: there is no code `toml`
          hint: a code looks like `T0101`; `explain` without one lists all
        ");
    }

    #[test]
    fn all_codes_are_listed_by_area() {
        let (_, listed) = explain(&[], false);
        assert!(listed.starts_with("Command line and project\n  T0001  "), "{listed}");
        assert!(listed.contains("\n\nEnvironment file\n  T0101  "), "{listed}");
        assert_eq!(listed.matches("\n  T0").count(), Code::ALL.len());
    }

    #[test]
    fn machines_read_the_same() {
        let (_, one) = explain(&["101"], true);
        let one: serde_json::Value = serde_json::from_str(&one).unwrap();
        assert_eq!(one[0]["code"], "T0101");
        assert_eq!(one[0]["area"], "Environment file");
        let (_, all) = explain(&[], true);
        let all: Vec<serde_json::Value> = serde_json::from_str(&all).unwrap();
        assert_eq!(all.len(), Code::ALL.len());
    }
}
