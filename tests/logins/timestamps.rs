//! No time, duration or sum of them makes a [`Timestamp`] panic, from the first millisecond to the last.

use std::time::Duration;

use auth_core::clock::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::Config;

/// The first and the last millisecond that RFC 3339 can write.
const WRITABLE: [i64; 2] = [-62_167_219_200_000, 253_402_300_799_999];

/// Any time, and often one at an end of something.
fn millis() -> impl Strategy<Value = i64> {
    let ends = [i64::MIN, -1, 0, 1, i64::MAX, WRITABLE[0], WRITABLE[1], i64::MIN / 1000, i64::MAX / 1000];
    let near = (proptest::sample::select(ends.to_vec()), -1001_i64..=1001);
    prop_oneof![any::<i64>(), near.prop_map(|(end, off)| end.saturating_add(off))]
}

fn duration() -> impl Strategy<Value = Duration> {
    let ends = vec![Duration::ZERO, Duration::MAX, Duration::from_millis(u64::MAX), Duration::from_nanos(1)];
    let any = (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos));
    prop_oneof![any, proptest::sample::select(ends)]
}

proptest! {
    #![proptest_config(Config { cases: 4096, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_time_can_be_written(millis in millis()) {
        let time = Timestamp::from_millis(millis);
        let text = time.to_string();
        prop_assert_eq!(text.len(), "2027-01-15T08:00:00Z".len(), "{}", text);
        prop_assert!(text.ends_with('Z'), "{}", text);
        prop_assert_eq!(serde_json::to_value(time).unwrap(), serde_json::json!(text));
        // Texts of one length are ordered as the times are.
        let nearest = Timestamp::from_millis(millis.clamp(WRITABLE[0], WRITABLE[1]));
        prop_assert_eq!(&text, &nearest.to_string());
        prop_assert!(Timestamp::from_millis(millis.saturating_sub(1000)).to_string() <= text);
        prop_assert_eq!(time.millis(), millis);
        prop_assert_eq!(format!("{time:?}"), format!("Timestamp({millis})"));
    }

    #[test]
    fn sums_and_differences_saturate(millis in millis(), other in millis(), duration in duration()) {
        let (time, other) = (Timestamp::from_millis(millis), Timestamp::from_millis(other));
        prop_assert!(time.before(duration) <= time && time <= time.after(duration));
        let (at, length) = (i128::from(millis), i128::try_from(duration.as_millis()).unwrap());
        prop_assert_eq!(i128::from(time.after(duration).millis()), (at + length).min(i128::from(i64::MAX)));
        prop_assert_eq!(i128::from(time.before(duration).millis()), (at - length).max(i128::from(i64::MIN)));
        prop_assert_eq!(time.since(other).is_zero(), time <= other);
        prop_assert_eq!(other.after(time.since(other)), time.max(other));
        let _no_panic = [time.after(duration), time.before(duration)].map(|time| time.to_string());
    }

    #[test]
    fn seconds_are_rounded_down(seconds in any::<i64>(), millis in millis()) {
        let time = Timestamp::from_seconds(seconds);
        prop_assert_eq!(time.millis(), seconds.saturating_mul(1000));
        let whole = Timestamp::from_millis(millis).seconds();
        prop_assert!(i128::from(whole) * 1000 <= i128::from(millis));
        prop_assert!(i128::from(millis) < (i128::from(whole) + 1) * 1000);
    }
}

#[test]
fn times_that_rfc_3339_cannot_write_are_the_nearest_that_it_can() {
    for (millis, text) in [
        (i64::MIN, "0000-01-01T00:00:00Z"),
        (WRITABLE[0] - 1, "0000-01-01T00:00:00Z"),
        (WRITABLE[0], "0000-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (0, "1970-01-01T00:00:00Z"),
        (WRITABLE[1], "9999-12-31T23:59:59Z"),
        (WRITABLE[1] + 1, "9999-12-31T23:59:59Z"),
        (i64::MAX, "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(Timestamp::from_millis(millis).to_string(), text);
    }
}
