//! Orders, and the rules for a new one.

use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;

use crate::problem::Problem;

const LONGEST_ITEM: usize = 80;
const LARGEST_QUANTITY: i64 = 99;

/// An order as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub(crate) struct Order {
    /// Its number; never used again.
    pub(crate) id: i64,
    /// Who placed it.
    pub(crate) owner: String,
    /// What was ordered.
    pub(crate) item: String,
    /// How many.
    pub(crate) quantity: i64,
}

/// A requested order, not validated yet.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Wish {
    item: String,
    quantity: i64,
}

/// A valid order.
#[derive(Clone, Debug)]
pub(crate) struct NewOrder {
    item: String,
    quantity: i64,
}

impl TryFrom<Wish> for NewOrder {
    type Error = Problem;

    fn try_from(Wish { item, quantity }: Wish) -> Result<Self, Problem> {
        if item.trim().is_empty() || item.chars().count() > LONGEST_ITEM {
            return Err(Problem::unprocessable("`item` must have 1 to 80 characters and not be blank"));
        }
        if !(1..=LARGEST_QUANTITY).contains(&quantity) {
            return Err(Problem::unprocessable("`quantity` must be 1 to 99"));
        }
        Ok(Self { item, quantity })
    }
}

/// The orders of all users. The handlers decide who may see which.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pool: SqlitePool,
}

impl Orders {
    /// The orders in that database.
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// Every order, oldest first.
    pub(crate) async fn all(&self) -> Result<Vec<Order>, sqlx::Error> {
        sqlx::query_as("select id, owner, item, quantity from orders order by id").fetch_all(&self.pool).await
    }

    /// The orders of one user, oldest first.
    pub(crate) async fn of(&self, owner: &str) -> Result<Vec<Order>, sqlx::Error> {
        sqlx::query_as("select id, owner, item, quantity from orders where owner = ? order by id")
            .bind(owner)
            .fetch_all(&self.pool)
            .await
    }

    /// The order with that number.
    pub(crate) async fn find(&self, id: i64) -> Result<Option<Order>, sqlx::Error> {
        sqlx::query_as("select id, owner, item, quantity from orders where id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
    }

    /// How many there are.
    pub(crate) async fn count(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("select count(*) from orders").fetch_one(&self.pool).await
    }

    /// Adds an order.
    pub(crate) async fn place(&self, owner: &str, order: NewOrder) -> Result<Order, sqlx::Error> {
        sqlx::query_as(
            "insert into orders (owner, item, quantity) values (?, ?, ?) returning id, owner, item, quantity",
        )
        .bind(owner)
        .bind(order.item)
        .bind(order.quantity)
        .fetch_one(&self.pool)
        .await
    }

    /// Marks an order as refunded. Can be repeated. `false`: there is no such order.
    pub(crate) async fn refund(&self, id: i64) -> Result<bool, sqlx::Error> {
        let done =
            sqlx::query("update orders set refunded = 1 where id = ?").bind(id).execute(&self.pool).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Deletes an order. `false`: there is no such order.
    pub(crate) async fn delete(&self, id: i64) -> Result<bool, sqlx::Error> {
        let done = sqlx::query("delete from orders where id = ?").bind(id).execute(&self.pool).await?;
        Ok(done.rows_affected() == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(item: &str, quantity: i64) -> bool {
        NewOrder::try_from(Wish { item: item.to_owned(), quantity }).is_ok()
    }

    #[test]
    fn an_item_is_measured_in_characters() {
        assert!(accepts("x", 1));
        assert!(accepts(&"茶".repeat(80), 1));
        assert!(!accepts(&"x".repeat(81), 1));
        assert!(!accepts("", 1));
        assert!(!accepts(" \t\u{a0}", 1));
    }

    #[test]
    fn a_quantity_is_1_to_99() {
        assert!(accepts("tea", 1) && accepts("tea", 99));
        assert!(!accepts("tea", 0) && !accepts("tea", 100) && !accepts("tea", -1));
    }
}
