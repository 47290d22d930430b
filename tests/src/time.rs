//! When the tests take place, and how long things last in them.

use std::time::Duration;

use auth_core::clock::Timestamp;

/// When every test begins: 2027-01-15T08:00:00Z.
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// The grace of every node.
pub const GRACE: Duration = Duration::from_secs(10);
/// How long access tokens live.
pub const TTL: Duration = Duration::from_secs(15 * 60);
/// How far clocks may be apart.
pub const LEEWAY: Duration = Duration::from_secs(5);
/// How old the revocation list may be.
pub const STALENESS: Duration = Duration::from_secs(5);

/// A thousandth of a second.
pub const MILLISECOND: Duration = Duration::from_millis(1);
/// One second.
pub const SECOND: Duration = Duration::from_secs(1);
/// Sixty seconds.
pub const MINUTE: Duration = Duration::from_secs(60);
/// Sixty minutes.
pub const HOUR: Duration = Duration::from_secs(60 * 60);
/// Twenty-four hours.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
