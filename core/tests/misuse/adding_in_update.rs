//! A component cannot be given children in `update`.

use togusa_core::prelude::*;

#[derive(Debug)]
struct Child;
impl Component for Child {}

#[derive(Debug)]
struct Parent;

impl Component for Parent {
    fn update(&self, machine: &Machine<'_>) -> Result {
        machine.add(Child);
        Ok(())
    }
}

fn main() {}
