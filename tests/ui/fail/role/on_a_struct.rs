use auth_core::Role;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
pub struct Level(u8);

impl Level {
    pub fn number(self) -> u8 {
        self.0
    }
}

fn main() {}
