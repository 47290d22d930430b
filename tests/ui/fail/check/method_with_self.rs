use auth_core::{Auth, check};
use auth_tests::ShopUser;

pub struct Shop;

impl Shop {
    #[check]
    pub async fn is_first(&self, user: &Auth<ShopUser>) -> bool {
        user.id == 1
    }
}

fn main() {}
