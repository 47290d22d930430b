//! Rotation through [`Authenticator::refresh`](auth_core::Authenticator::refresh): every row of the table in section 6
//! of the design, in memory and in SQLite.

mod at_once;
mod confirmation;
mod forged;
mod lost;
mod pairing;
mod peppers;
mod racing;
mod restored;
mod table;
