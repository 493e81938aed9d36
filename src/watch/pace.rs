//! Waiting until it is quiet, but not for ever.

use std::time::{Duration, Instant};

/// How many quiet times are waited for at most while something happens all the time.
const PATIENCE: u32 = 10;

/// When something happened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Pace {
    /// Something happened.
    pub(super) fn noted(&mut self, at: Instant) {
        self.first.get_or_insert(at);
        self.last = self.last.max(Some(at));
    }

    /// When to look, if anything happened: as soon as nothing did for `quiet`.
    pub(super) fn due(&self, quiet: Duration) -> Option<Instant> {
        let (first, last) = (self.first?, self.last?);
        Some((last + quiet).min(first + quiet * PATIENCE))
    }

    /// Whether it is time to look; then it begins anew.
    pub(super) fn take(&mut self, quiet: Duration, now: Instant) -> bool {
        let due = self.due(quiet).is_some_and(|due| due <= now);
        if due {
            *self = Self::default();
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_millis(100);

    #[test]
    fn it_waits_for_quiet_and_has_an_end() {
        let (start, step) = (Instant::now(), Duration::from_millis(60));
        let mut pace = Pace::default();
        assert_eq!(pace.due(QUIET), None);
        pace.noted(start);
        assert!(!pace.take(QUIET, start + step));
        pace.noted(start + step);
        assert_eq!(pace.due(QUIET), Some(start + step + QUIET));
        for count in 2..100 {
            pace.noted(start + step * count);
        }
        assert_eq!(pace.due(QUIET), Some(start + QUIET * 10), "it is not put off for ever");
        assert!(pace.take(QUIET, start + QUIET * 10));
        assert_eq!(pace.due(QUIET), None);
    }

    #[test]
    fn what_is_heard_late_does_not_shorten_the_wait() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.noted(start + QUIET);
        pace.noted(start);
        assert_eq!(pace.due(QUIET), Some(start + QUIET * 2));
    }
}
