//! What the API finds in a path. Whatever cannot be the address of a thing is the address of nothing: 404.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::problem::Problem;

/// The number of an order, in its one spelling: no sign, no leading zero, within 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderId(pub(crate) i64);

impl<S: Send + Sync> FromRequestParts<S> for OrderId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let PathText(text) = PathText::from_request_parts(parts, state).await?;
        parse_order_id(&text).ok_or(Problem::NOT_FOUND)
    }
}

fn parse_order_id(text: &str) -> Option<OrderId> {
    let id: i64 = text.parse().ok()?;
    (id > 0 && id.to_string() == text).then_some(OrderId(id))
}

/// The only parameter of a path, percent-decoded.
#[derive(Clone, Debug)]
pub(crate) struct PathText(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        text.map(|Path(text)| Self(text)).map_err(|_| Problem::NOT_FOUND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_one_address() {
        assert_eq!(parse_order_id("7"), Some(OrderId(7)));
        assert_eq!(parse_order_id("9223372036854775807"), Some(OrderId(i64::MAX)));
        for other in ["", "0", "-1", "+7", "07", "7 ", "seven", "9223372036854775808"] {
            assert_eq!(parse_order_id(other), None, "{other}");
        }
    }
}
