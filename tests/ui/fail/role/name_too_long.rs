use auth_core::Role;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
pub enum Level {
    #[role(name = "a-customer-who-bought-more-than-a-hundred-things-in-the-last-two-years")]
    Customer,
}

fn main() {}
