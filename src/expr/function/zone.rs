//! Time zones, by the database that is built in: the answers don't depend on the machine.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::date::micros;
use super::text::str;
use super::{Family, FunctionEntry, Gives, Kernel, Mistake, Prepare, Prepared, Takes};
use crate::data::{Kind, Value};
use crate::expr::calendar::{self, DAY};
use crate::source::nearest;

const PLACE: &[Takes] = &[Takes::Day, Takes::Constant];

const fn moved(name: &'static str, prepare: Prepare) -> FunctionEntry {
    FunctionEntry::new(name, Family::Date, PLACE, Gives::Is(Kind::Datetime), Kernel::Prepared(prepare))
}

pub(super) static ENTRIES: &[FunctionEntry] = &[
    moved("at_time_zone", to_wall).doc(
        "at_time_zone(x, 'zone')",
        "What the clocks of a time zone show at that moment in UTC, also written `x AT TIME ZONE 'zone'`.",
        "at_time_zone(TIMESTAMP '2024-07-01 12:00:00', 'Europe/Rome')",
        "2024-07-01T14:00:00Z",
    ),
    moved("from_time_zone", from_wall).doc(
        "from_time_zone(x, 'zone')",
        "The moment in UTC at which the clocks of a time zone show x: the first where they show it twice, and as if they had not been set forward where they never do.",
        "from_time_zone(TIMESTAMP '2024-07-01 14:00:00', 'Europe/Rome')",
        "2024-07-01T12:00:00Z",
    ),
    FunctionEntry::new("strftime", Family::Date, PLACE, Gives::Is(Kind::Str), Kernel::Prepared(by_format)).doc(
        "strftime(x, 'format')",
        "As text, by a format of strftime.",
        "strftime(DATE '2024-01-31', '%d.%m.%y')",
        "31.01.24",
    ),
];

fn zone(constants: &[Value]) -> Result<TimeZone, Mistake> {
    static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    let name = str(constants, 0);
    BUNDLED.get(name).map_err(|_| {
        let known: Vec<String> = BUNDLED.available().map(|each| each.to_string()).collect();
        let near = nearest(name, known.iter().map(String::as_str));
        let help = near
            .map_or_else(|| "write a name such as 'Europe/Rome'".to_owned(), |near| format!("did you mean `{near}`?"));
        Mistake::of(Some(1), format!("there is no time zone `{name}`")).help(help)
    })
}

fn to_wall(constants: &[Value], _: Kind) -> Result<Prepared, Mistake> {
    let zone = zone(constants)?;
    Ok(Arc::new(move |value| {
        let moment = micros(value).and_then(|micros| Timestamp::from_microsecond(micros).ok());
        moment.map_or(Value::Null, |moment| {
            let offset = i64::from(zone.to_offset(moment).seconds()) * 1_000_000;
            Value::Datetime(moment.as_microsecond() + offset)
        })
    }))
}

fn from_wall(constants: &[Value], _: Kind) -> Result<Prepared, Mistake> {
    let zone = zone(constants)?;
    Ok(Arc::new(move |value| {
        let moment = micros(value).and_then(civil).and_then(|shown| zone.to_timestamp(shown).ok());
        moment.map_or(Value::Null, |moment| Value::Datetime(moment.as_microsecond()))
    }))
}

fn by_format(constants: &[Value], _: Kind) -> Result<Prepared, Mistake> {
    let format = str(constants, 0).to_owned();
    super::cast::check_format(&format)?;
    Ok(Arc::new(move |value| {
        let moment = micros(value).and_then(|micros| Timestamp::from_microsecond(micros).ok());
        let shown = moment.and_then(|moment| jiff::fmt::strtime::format(&format, &moment.to_zoned(TimeZone::UTC)).ok());
        shown.map_or(Value::Null, Value::str)
    }))
}

/// What a clock shows, if the library knows its year.
fn civil(micros: i64) -> Option<jiff::civil::DateTime> {
    let day = calendar::civil(calendar::day_of(micros));
    let of_day = micros.rem_euclid(DAY);
    let seconds = of_day / 1_000_000;
    let date = jiff::civil::Date::new(day.year.try_into().ok()?, day.month.try_into().ok()?, day.day.try_into().ok()?);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let nanos = of_day % 1_000_000 * 1000;
    let time = jiff::civil::Time::new(
        hour.try_into().ok()?,
        minute.try_into().ok()?,
        second.try_into().ok()?,
        nanos.try_into().ok()?,
    );
    Some(date.ok()?.to_datetime(time.ok()?))
}
