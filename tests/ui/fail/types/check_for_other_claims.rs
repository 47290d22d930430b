use auth_core::{Auth, Claims, check, require_auth};
use auth_tests::ShopUser;

#[derive(Claims)]
pub struct Robot {
    #[claim(subject)]
    pub id: u64,
}

#[check]
pub async fn is_first(robot: &Auth<Robot>) -> bool {
    robot.id == 1
}

#[require_auth(jwt, check(is_first))]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
