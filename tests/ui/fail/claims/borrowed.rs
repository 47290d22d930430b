use auth_core::Claims;

#[derive(Claims)]
pub struct User<'a> {
    #[claim(subject)]
    pub id: String,
    pub email: &'a str,
}

fn main() {}
