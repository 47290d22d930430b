//! Claims: of the wrong type, missing, for somebody else, out of time, or of a token that is something else.

mod grants;
mod kind;
mod realm;
mod time;
mod types;
