use auth_core::Claims;

#[derive(Claims)]
pub struct User<T> {
    #[claim(subject)]
    pub id: String,
    pub more: T,
}

fn main() {}
