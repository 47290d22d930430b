//! The program of the example shop as its users start it, its clients, and a browser.

mod browser;
mod build;
mod call;
mod chrome;
mod database;
mod process;
mod remote;
mod running;

pub use browser::{Browser, PHONE};
pub use build::built;
pub use call::Call;
pub use chrome::Chrome;
pub use database::{Locked, change};
pub use process::Process;
pub use remote::{Remote, USERS, password};
pub use running::{Data, Failed, Shop};
