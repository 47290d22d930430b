use auth_core::extract::GuardArg;

fn main() {}
