use auth_core::Role;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
pub enum Level {
    #[role(includes(Clerk))]
    Customer,
    #[role(includes(Admin))]
    Clerk,
    #[role(includes(Customer))]
    Admin,
}

fn main() {}
