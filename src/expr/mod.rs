//! SQL expressions: parsed with positions, typed against a table's columns, and run by two backends that agree bit for bit.
//!
//! One function is one line in a catalogue (`function/`): its types, its kernel over single values and its example.
//! Row by row (`Compiled`) and column by column (`Expr::to_polars`) both call that kernel, so they can't drift apart.
//!
//! What holds everywhere:
//! - There is one "no value", null. A float that would be NaN or infinite is null, and so is a division by zero, an
//!   integer that overflows, and text that doesn't read fully as what it is cast to.
//! - `/` always gives a float; an int meeting a float is read as a float.
//! - AND and OR are three-valued; a comparison with null is null.
//! - Strings compare by their UTF-8 bytes and are counted in characters.

mod build;
mod calendar;
mod column;
mod display;
mod function;
mod literal;
mod murmur;
mod parse;
mod pattern;
mod polars;
mod scalar;
mod scope;
mod tree;
mod typer;
mod wire;

#[cfg(test)]
mod agree;
#[cfg(test)]
mod reference;

/// Raised when a function gives other bits: what conditions of sources and contracts let through rests on them. Ops have
/// versions of their own.
pub const VERSION: u32 = 2;

pub use function::{Family, FunctionEntry, functions};
pub use scalar::Compiled;
pub use scope::Scope;
pub use tree::{Expr, Node};
