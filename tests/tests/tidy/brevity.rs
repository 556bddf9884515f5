//! How short a deployment of a real service is.

use super::workspace::{Finding, Source};

/// Lines of all component crates of the example together, without blank ones and comments.
const MOST: usize = 250;

/// The example, but for the program that it deploys.
const EXAMPLE: &str = "examples/shop/";
const APPLICATION: &str = "examples/shop/server/";

/// Counts the lines of code of the example's components.
pub fn lines(sources: &[Source]) -> usize {
    let components = sources.iter().filter(|source| {
        let path = &source.path;
        source.is_rust() && path.starts_with(EXAMPLE) && !path.starts_with(APPLICATION)
    });
    components.flat_map(Source::lines).filter(|(_, line)| is_code(line)).count()
}

/// Finds the example too long to be one.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let lines = lines(sources);
    if lines <= MOST {
        return Vec::new();
    }
    let wrong = format!("its components have {lines} lines, and may have {MOST}");
    let remedy = "what makes them long may be missing in the library";
    vec![Finding { path: EXAMPLE.to_owned(), line: 1, wrong, remedy }]
}

fn is_code(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn code_alone_counts_and_that_of_components_alone() {
        let text = "//! A.\n\n    // B\nfn c() {\n}\n";
        let sources = [
            source("examples/shop/app/src/lib.rs", text),
            source("examples/shop/app/src/page.html", text),
            source("examples/shop/server/src/lib.rs", text),
            source("examples/hello/src/main.rs", text),
        ];
        assert_eq!(lines(&sources), 2);
        assert_eq!(check(&sources), []);
        let long = [source("examples/shop/src/main.rs", &"x\n".repeat(MOST + 1))];
        assert_eq!(check(&long).len(), 1);
    }
}
