use auth_core::check;

#[check]
pub struct IsFirst;

fn main() {}
