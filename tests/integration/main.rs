//! Whole-program tests: one binary, so that polars is linked once.

mod backends;
mod cache;
mod catalogue;
mod check;
mod choice;
mod ci;
mod docs;
mod ensemble;
mod examples;
mod fusion;
mod golden;
mod house;
mod judging;
mod mill;
mod models;
mod programs;
mod programs_at_odds;
mod run;
mod serve;
mod store;
mod tell;
mod trouble;
mod tune;
mod update;
mod watch;
