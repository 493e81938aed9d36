//! What makes a running `gristmill watch` start again.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::{Schedule, TimeSpan};
use crate::source::{Data, Fault, Fields, Node, Route, suggest};

/// How long files must be left alone before a run starts, if nothing is said.
const DEBOUNCE: TimeSpan = TimeSpan(Duration::from_millis(500));
/// The longest such time: whoever waits longer wants a schedule or a cooldown.
const LONGEST: TimeSpan = TimeSpan(Duration::from_secs(3600));

/// What starts a run besides changed files, and how soon these do.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchSpec {
    /// How long files must be left alone before a run starts.
    pub debounce: TimeSpan,
    /// When a run starts whatever happened.
    pub schedule: Option<Schedule>,
    /// The least time between the starts of two runs that data started.
    pub cooldown: Option<TimeSpan>,
}

impl Default for WatchSpec {
    fn default() -> Self {
        Self { debounce: DEBOUNCE, schedule: None, cooldown: None }
    }
}

impl WatchSpec {
    /// What stands under `watch`.
    pub(super) fn read(node: &Node, faults: &mut Vec<Fault>) -> Self {
        let mut fields = Fields::new(node, Route::of(["watch"]), "`watch`");
        fields.later(&["drift", "performance"]);
        let debounce = fields.take("debounce").unwrap_or(DEBOUNCE);
        if debounce > LONGEST {
            let fault = Fault::new("bad-value", format!("`{debounce}` is longer than `{LONGEST}`"));
            fields.fault(fault.help("a `cooldown` is the least time between two runs").within("debounce"));
        }
        let cooldown = fields.take("cooldown");
        let outer: Option<String> = fields.take("timezone");
        let schedule = match fields.node("schedule") {
            Some(node) if matches!(node.data, Data::Map(_)) => {
                let route = Route::of(["watch", "schedule"]);
                let mut inner = Fields::new(node, route, "a schedule");
                let cron: Option<String> = inner.need("cron", "say when: `cron: 0 6 * * 1-5`");
                let zone: Option<String> = inner.take("timezone");
                if zone.is_some() && outer.is_some() {
                    inner.fault(Fault::new("duplicate-key", "the time zone is said twice").on_key().within("timezone"));
                }
                let schedule =
                    cron.and_then(|cron| made(&mut inner, &cron, "cron", zone.as_deref().or(outer.as_deref())));
                faults.extend(inner.finish());
                schedule
            }
            Some(_) => {
                let cron: Option<String> = fields.take("schedule");
                cron.and_then(|cron| made(&mut fields, &cron, "schedule", outer.as_deref()))
            }
            None => {
                if outer.is_some() {
                    let fault = Fault::new("missing-field", "a time zone without a `schedule` means nothing");
                    fields.fault(fault.help("say when: `schedule: 0 6 * * 1-5`").on_key().within("timezone"));
                }
                None
            }
        };
        faults.extend(fields.finish());
        Self { debounce, schedule, cooldown }
    }
}

/// The schedule of a cron line that stands under `key`, or a mistake for each part that is wrong.
fn made(fields: &mut Fields<'_>, cron: &str, key: &str, zone: Option<&str>) -> Option<Schedule> {
    let zone = match zone.map(|name| (name, TimeZone::get(name))) {
        None => TimeZone::UTC,
        Some((_, Ok(zone))) => zone,
        Some((name, Err(_))) => {
            let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let near = suggest(name, known.iter().map(String::as_str)).filter(|help| help.starts_with("did you mean"));
            let help = near.unwrap_or_else(|| "write it as `Europe/Berlin`, or `UTC`".to_owned());
            fields.fault(
                Fault::new("unknown-timezone", format!("there is no time zone `{name}`")).help(help).within("timezone"),
            );
            return None;
        }
    };
    Schedule::new(cron, zone).map_err(|fault| fields.fault(fault.within(key))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Document;

    fn read(text: &str) -> (WatchSpec, Vec<(String, String)>) {
        let text = format!("watch: {text}");
        let document = Document::parse("a.yaml", &text).unwrap_or_else(|_| panic!("{text}: YAML"));
        let mut faults = Vec::new();
        let spec = WatchSpec::read(document.root.get("watch").expect("watch"), &mut faults);
        (spec, faults.into_iter().map(|fault| (fault.route.to_string(), fault.message)).collect())
    }

    fn right(text: &str) -> WatchSpec {
        let (spec, faults) = read(text);
        assert_eq!(faults, []);
        spec
    }

    #[test]
    fn everything_has_a_default() {
        assert_eq!(right("{}"), WatchSpec::default());
        assert_eq!(right("{debounce: 2s, cooldown: 10m}").debounce, TimeSpan(Duration::from_secs(2)));
    }

    #[test]
    fn a_schedule_is_written_in_two_ways() {
        let flat = right("{schedule: 0 6 * * 1-5, timezone: Europe/Berlin}");
        let nested = right("{schedule: {cron: 0 6 * * 1-5, timezone: Europe/Berlin}}");
        assert_eq!(flat, nested);
        assert_eq!(flat.schedule.expect("one").to_string(), "`0 6 * * 1-5` in Europe/Berlin");
        assert_eq!(right("{schedule: \"@daily\"}").schedule.expect("one").zone(), &TimeZone::UTC);
    }

    #[test]
    fn every_mistake_is_told_at_its_place() {
        let told = |text: &str| {
            let (_, faults) = read(text);
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            faults.into_iter().next().expect("one")
        };
        assert_eq!(told("{debounce: 2}").0, "watch.debounce");
        assert_eq!(told("{debounce: 2h}").0, "watch.debounce");
        assert_eq!(told("{schedule: 0 6 * *}").0, "watch.schedule");
        assert_eq!(told("{schedule: {cron: 0 6 * *}}").0, "watch.schedule.cron");
        assert_eq!(told("{schedule: {timezone: UTC}}").0, "watch.schedule");
        assert_eq!(told("{schedule: 0 6 * * *, timezone: Europe/Berlim}").0, "watch.timezone");
        assert_eq!(told("{timezone: UTC}").0, "watch.timezone");
        assert_eq!(told("{schedule: {cron: 0 6 * * *, timezone: UTC}, timezone: UTC}").0, "watch.schedule.timezone");
        assert_eq!(told("{drift: {psi: 0.2}}").1, "`drift` is not supported yet");
        assert_eq!(told("{performance: {}}").1, "`performance` is not supported yet");
        assert_eq!(told("{bounce: 2s}").1, "there is no key `bounce` here");
        assert_eq!(told("often").0, "watch");
    }
}
