//! A store that was emptied, restored, or lost what it had acknowledged: nodes notice, keep what they knew, and give it back.

mod busy;
mod declared;
mod emptied;
mod failover;
mod file;
mod nothing_lost;
mod restored;
mod retried;
mod support;
