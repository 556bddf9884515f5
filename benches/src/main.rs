//! Measures togusa beside floors: `togusa-bench [NAME…]`, started by `benches/run`.

mod benchmarks;
mod measure;
mod project;
mod suite;
mod table;

fn main() -> anyhow::Result<()> {
    suite::run(&std::env::args().skip(1).collect::<Vec<_>>())
}
