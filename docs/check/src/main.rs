//! Builds the book, or writes what is generated in it.

fn main() -> std::process::ExitCode {
    togusa_docs::program::run(std::env::args().nth(1).as_deref())
}
