mod proof {
    use auth_core::{Auth, require_auth};
    use auth_tests::{Role, ShopUser};

    #[require_auth(jwt, role(Role::Admin))]
    pub struct AdminUser(Auth<ShopUser>);
}

pub fn forge(user: auth_core::Auth<auth_tests::ShopUser>) -> proof::AdminUser {
    proof::AdminUser(user)
}

fn main() {}
