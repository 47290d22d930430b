use auth_core::Role;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
pub enum Level {
    Customer,
    #[role(includes(Custmer))]
    Clerk,
}

fn main() {}
