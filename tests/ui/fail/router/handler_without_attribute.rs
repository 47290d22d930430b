use auth_core::ProtectedRouter;
use auth_core::route::get;

pub async fn handler() {}

pub fn router() -> ProtectedRouter<()> {
    ProtectedRouter::new().route("/", get(handler))
}

fn main() {}
