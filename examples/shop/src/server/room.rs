//! The maximum number of connections.

/// The maximum, even if the system allows more.
const MOST: u32 = 1024;

/// The minimum, even if the system allows hardly any open files.
const FEWEST: u32 = 16;

/// Open files for everything but clients: databases, the listener, standard streams.
const RESERVED: u64 = 96;

/// The number of open files that the system allows this process, without the reserved ones.
pub(super) fn for_connections() -> u32 {
    left_of(descriptors())
}

fn left_of(descriptors: Option<u64>) -> u32 {
    let left = descriptors.map_or(u64::MAX, |all| all.saturating_sub(RESERVED));
    u32::try_from(left).map_or(MOST, |left| left.clamp(FEWEST, MOST))
}

/// `None` is no limit.
#[cfg(unix)]
fn descriptors() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
fn descriptors() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_fewer_than_open_files() {
        assert_eq!(left_of(Some(256)), 160);
        assert_eq!(left_of(Some(1024)), 928);
        assert_eq!(left_of(Some(1 << 20)), 1024);
        assert_eq!(left_of(None), 1024);
        assert_eq!(left_of(Some(64)), 16);
    }
}
