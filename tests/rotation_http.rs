//! Rotation as a client sees it: `POST /auth/refresh`, with the token in the body or in its cookie.

mod body;
mod claims;
mod cookie;
