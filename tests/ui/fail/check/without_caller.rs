use auth_core::check;

#[check]
pub async fn is_first() -> bool {
    true
}

fn main() {}
