//! Measures togusa beside floors: `togusa-bench [NAME…]`, started by `benches/run`.

mod configure;
mod converge;
mod fleet;
mod measure;
mod project;
mod rebuild;
mod start;
mod suite;
mod table;

fn main() -> anyhow::Result<()> {
    suite::run(&std::env::args().skip(1).collect::<Vec<_>>())
}
