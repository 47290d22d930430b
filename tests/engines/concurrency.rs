//! Steps beside each other.
