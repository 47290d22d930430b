//! The rule against its model in every state, and the rotation against a store.

mod burst;
mod clocks;
mod every_state;
mod forge;
mod gated;
mod hostile;
mod model;
mod schedules;
mod support;
mod walks;
