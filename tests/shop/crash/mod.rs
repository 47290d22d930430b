//! The shop when something fails: killed, stopped, hung up on, and on a folder that is not as it should be.

mod folder;
mod killed;
mod load;
mod stop;
