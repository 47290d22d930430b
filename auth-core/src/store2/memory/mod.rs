//! A store in the memory of the process.
