use auth_core::{Auth, require_auth};

#[require_auth(jwt)]
pub struct Signed<T>(Auth<T>);

impl<T> Signed<T> {
    pub fn user(&self) -> &Auth<T> {
        &self.0
    }
}

fn main() {}
