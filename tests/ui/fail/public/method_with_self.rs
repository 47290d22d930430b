use auth_core::public;

pub struct Shop;

impl Shop {
    #[public]
    pub async fn handler(&self) {}
}

fn main() {}
