//! Session data: fixation, sign-out under way, and two requests that change one session.

mod concurrent;
mod fixation;
mod gated;
mod layer;
mod new_id;
