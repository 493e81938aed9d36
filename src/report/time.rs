//! Times for people.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time in words: `0.8 ms`, `12 ms`, `3.4 s`, `2 m 5 s`, `1 h 12 m`.
pub fn seconds(seconds: f64) -> String {
    if seconds < 0.001 {
        return format!("{:.1} ms", seconds * 1e3);
    }
    if seconds < 0.9995 {
        return format!("{:.0} ms", seconds * 1e3);
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        ..3600 => format!("{} m {} s", whole / 60, whole % 60),
        _ => format!("{} h {} m", whole / 3600, whole % 3600 / 60),
    }
}

/// A moment (RFC 3339) in the time zone of whoever looks: `2026-11-24 11:20:01`.
pub fn local(moment: &str) -> String {
    in_zone(moment, TimeZone::system())
}

fn in_zone(moment: &str, zone: TimeZone) -> String {
    match moment.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => moment.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let told: Vec<String> = [0.0004, 0.012, 0.9996, 3.44, 59.97, 125.4, 4320.0].map(seconds).to_vec();
        assert_eq!(told, ["0.4 ms", "12 ms", "1.0 s", "3.4 s", "1 m 0 s", "2 m 5 s", "1 h 12 m"]);
    }

    #[test]
    fn a_moment_is_told_where_one_is() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(in_zone("2026-11-24T23:20:01.123Z", zone.clone()), "2026-11-25 01:20:01");
        assert_eq!(in_zone("yesterday", zone), "yesterday");
    }
}
