//! Times to run at: a cron line and the time zone that it is meant in.

use std::fmt;

use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions, parse_crontab_with};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::source::Fault;

/// The five fields, for messages.
const FIELDS: &str = "minute, hour, day of the month, month, day of the week";

/// Words for common lines.
const WORDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// When the wall clock of a place shows certain times.
#[derive(Clone)]
pub struct Schedule {
    text: String,
    zone: TimeZone,
    /// In that zone.
    there: Crontab,
    /// Over wall clocks, as if all were UTC.
    wall: Crontab,
    /// Whether it names hours. What runs at 02:30 runs once a day, be the day 23 or 25 hours long; what runs every ten
    /// minutes does so in every hour that passes.
    daily: bool,
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({self})")
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.zone == other.zone
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in {}", self.text, self.zone.iana_name().unwrap_or("UTC"))
    }
}

impl Schedule {
    /// From a cron line of five fields, or a word such as `@daily`, and a time zone's name; UTC without one.
    ///
    /// # Errors
    /// If the line isn't one, or names a day that never comes. Of the zone nothing is said here.
    pub fn new(cron: &str, zone: TimeZone) -> Result<Self, Fault> {
        let text = cronexpr::normalize_crontab(cron);
        let line = WORDS.iter().find(|(word, _)| *word == text).map_or(text.as_str(), |(_, line)| line);
        let bad = |message: String| {
            Fault::new("bad-schedule", message)
                .help("write five fields, as `0 6 * * 1-5`: at 6:00 from Monday to Friday")
        };
        if line.starts_with('@') {
            let known = WORDS.map(|(word, _)| word);
            return Err(bad(format!("`{text}` is none of {}", crate::source::list(known))));
        }
        let count = line.split(' ').filter(|field| !field.is_empty()).count();
        if count != 5 {
            let help = "the time zone is said beside it, as `timezone: Europe/Berlin`; there is no field for seconds";
            let fault = bad(format!("a schedule has five fields ({FIELDS}), and `{text}` has {count}"));
            return Err(if count > 5 { fault.help(help) } else { fault });
        }
        let wall = parse(line).map_err(|why| bad(format!("`{text}` isn't a schedule: {why}")))?;
        let there = match zone.iana_name() {
            Some(name) if zone != TimeZone::UTC => {
                parse(&format!("{line} {name}")).map_err(|why| bad(format!("`{text}` isn't a schedule: {why}")))?
            }
            _ => wall.clone(),
        };
        let daily = line.split(' ').nth(1).is_some_and(|hours| !hours.starts_with('*'));
        let schedule = Self { text, zone, there, wall, daily };
        if schedule.next(Timestamp::now()).is_none() {
            return Err(Fault::new("bad-schedule", format!("`{}` names a day that never comes", schedule.text)));
        }
        Ok(schedule)
    }

    /// The first time after `now`; none if it is further away than four years.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.daily {
            return self.there.find_next(MakeTimestamp(now)).ok().map(|found| found.timestamp());
        }
        // The wall clock, walked as if it were never put forward or back.
        let mut wall = as_if_utc(self.zone.to_datetime(now))?;
        loop {
            wall = self.wall.find_next(MakeTimestamp(wall)).ok()?.timestamp();
            let shown = TimeZone::UTC.to_datetime(wall);
            // A time that is skipped comes as much later as was skipped; one that comes twice counts the first time.
            let at = self.zone.to_ambiguous_timestamp(shown).compatible().ok()?;
            if at > now {
                return Some(at);
            }
        }
    }

    /// The zone that it is meant in.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

fn as_if_utc(shown: jiff::civil::DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(shown).ok()
}

fn parse(line: &str) -> Result<Crontab, String> {
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    parse_crontab_with(line, options).map_err(|error| {
        // The message draws its own caret in lines above; what is wrong stands behind it.
        let text = error.to_string();
        text.rsplit("^ ").next().unwrap_or(&text).trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").expect("known")
    }

    /// The next times after `from`, on the wall clock of Berlin.
    fn times(cron: &str, from: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::new(cron, berlin()).expect("right");
        let mut now: Timestamp = from.parse().expect("a time");
        (0..count)
            .map(|_| {
                now = schedule.next(now).expect("there is one");
                now.to_zoned(berlin()).strftime("%m-%d %H:%M%:z").to_string()
            })
            .collect()
    }

    #[test]
    fn it_comes_at_the_times_of_its_zone() {
        assert_eq!(
            times("0 6 * * 1-5", "2025-06-05T12:00:00Z", 3),
            ["06-06 06:00+02:00", "06-09 06:00+02:00", "06-10 06:00+02:00"]
        );
        assert_eq!(times("@hourly", "2025-06-05T12:00:00Z", 2), ["06-05 15:00+02:00", "06-05 16:00+02:00"]);
        let utc = Schedule::new("30 4 * * *", TimeZone::UTC).expect("right");
        let next = utc.next("2025-06-05T04:30:00Z".parse().expect("a time")).expect("there is one");
        assert_eq!(next.to_string(), "2025-06-06T04:30:00Z", "the moment itself is past");
    }

    #[test]
    fn a_time_that_is_skipped_or_doubled_comes_once_a_day() {
        assert_eq!(
            times("30 2 * * *", "2025-03-29T00:00:00Z", 3),
            ["03-29 02:30+01:00", "03-30 03:30+02:00", "03-31 02:30+02:00"]
        );
        assert_eq!(
            times("30 2 * * *", "2025-10-25T00:00:00Z", 3),
            ["10-25 02:30+02:00", "10-26 02:30+02:00", "10-27 02:30+01:00"]
        );
    }

    #[test]
    fn what_comes_every_half_hour_does_so_in_every_hour_that_passes() {
        assert_eq!(
            times("*/30 * * * *", "2025-10-26T00:15:00Z", 4),
            ["10-26 02:30+02:00", "10-26 02:00+01:00", "10-26 02:30+01:00", "10-26 03:00+01:00"]
        );
        assert_eq!(times("*/30 * * * *", "2025-03-30T00:35:00Z", 2), ["03-30 03:00+02:00", "03-30 03:30+02:00"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let told = |cron: &str| Schedule::new(cron, TimeZone::UTC).expect_err("wrong");
        assert!(told("0 6 * *").message.contains("and `0 6 * *` has 4"), "{}", told("0 6 * *"));
        assert!(told("0 0 6 * * 1-5").help.expect("help").contains("seconds"));
        assert!(told("61 * * * *").message.contains("0..=59"), "{}", told("61 * * * *"));
        assert!(told("0 0 31 2 *").message.contains("never comes"));
        assert!(told("@often").message.contains("`@daily`"));
        assert!(told("").message.contains("has 0"));
        for cron in ["x * * * *", "5-1 * * * *", "*/0 * * * *"] {
            let fault = told(cron);
            assert!(!fault.message.contains('\n') && fault.message.contains("isn't a schedule: "), "{fault}");
        }
    }
}
