//! How models are named: `penguin-species`, `penguin-species@champion`, `penguin-species@3`.

use super::Version;
use crate::source::Fault;

/// The alias that is meant when none is said.
pub const CHAMPION: &str = "champion";
/// The newest version; not an alias that could be moved.
pub const LATEST: &str = "latest";
/// The longest name, in bytes: it becomes part of file names and addresses.
const LONGEST: usize = 100;

/// Which version of a model is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// None was said: the champion, or the newest version if there is no champion.
    Default,
    /// The newest.
    Latest,
    /// By its number.
    Version(Version),
    /// What an alias points to.
    Alias(String),
}

impl Selector {
    /// From what follows the `@`; empty is the default.
    pub fn parse(text: &str) -> Self {
        match text {
            "" => Self::Default,
            LATEST => Self::Latest,
            _ => text.parse().map_or_else(|_| Self::Alias(text.to_owned()), Self::Version),
        }
    }
}

/// The name and the selector of `name@selector`.
pub(super) fn split(text: &str) -> (&str, Selector) {
    let (name, selector) = text.split_once('@').unwrap_or((text, ""));
    (name, Selector::parse(selector))
}

/// Refuses a model's name that couldn't be part of a file name or an address.
pub(super) fn check_model(name: &str) -> Result<(), Fault> {
    check(name, "a model")
}

/// Refuses an alias that reads like something else.
pub(super) fn check_alias(alias: &str) -> Result<(), Fault> {
    check(alias, "an alias")?;
    match Selector::parse(alias) {
        Selector::Alias(_) => Ok(()),
        _ => Err(Fault::new("bad-name", format!("`{alias}` can't be an alias"))
            .help("numbers name versions, and `latest` is always the newest one")),
    }
}

fn check(name: &str, what: &str) -> Result<(), Fault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if starts && name.len() <= LONGEST && name.bytes().all(plain) {
        return Ok(());
    }
    let help = format!("letters, digits, `-`, `_` and `.`, a letter or a digit first, at most {LONGEST}");
    Err(Fault::new("bad-name", format!("`{name}` can't be the name of {what}")).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_which_version() {
        assert_eq!(split("m"), ("m", Selector::Default));
        assert_eq!(split("m@3"), ("m", Selector::Version(3)));
        assert_eq!(split("m@latest"), ("m", Selector::Latest));
        assert_eq!(split("m@v3"), ("m", Selector::Alias("v3".into())));
    }

    #[test]
    fn names_that_are_paths_or_numbers_are_refused() {
        for name in ["", "..", ".a", "a/b", "a@b", "a b", "é", &"a".repeat(101)] {
            assert!(check_model(name).is_err(), "{name}");
        }
        for name in ["a", "penguin-species", "2024.flights_v2"] {
            assert!(check_model(name).is_ok(), "{name}");
        }
        for alias in ["3", "latest", "-x"] {
            assert!(check_alias(alias).is_err(), "{alias}");
        }
        assert!(check_alias("challenger").is_ok());
    }
}
