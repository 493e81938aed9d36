//! Sealed models over HTTP: raw records in, answers out. Async lives only here.
//!
//! `POST /predict` and `POST /models/{name}/predict` answer; `GET /models`, `/models/{name}`, `/openapi.json`,
//! `/health/live` and `/health/ready` tell what is served and whether it can be asked.
//!
//! Everything that a client sends is bounded before it is held: connections, heads, bodies, rows, nesting and time. Every
//! refusal is JSON that says how to mend the request and nothing of the insides.

mod answers;
mod app;
mod connection;
mod describe;
mod errors;
mod guard;
mod live;
mod models;
mod openapi;
mod predict;
mod request;
mod routes;
mod server;
mod settings;
mod shutdown;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use live::{Closer, Followed, Live, Swap};
pub use models::{Model, Models, load};
pub use server::serve;
pub use settings::Settings;
