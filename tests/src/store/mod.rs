//! The one store of the tests that stands in front of another one, and what can be made to go wrong with it.

mod fault;
mod faulty;
mod relay;

pub use fault::Fault;
pub use faulty::{Faulty, FaultyStore};
pub use relay::{Altered, Documents, Families, Log, Logins, Op, Relay, Sessions};
