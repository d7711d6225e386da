//! The tests of the whole program: one binary, so that it is linked once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

mod actions;
mod again;
mod arrivals;
mod book;
mod broadcast;
mod budgets;
mod check;
mod children;
mod commands;
mod data_rows;
mod engine;
mod expect;
mod explore;
mod extract;
mod fetch;
mod guests;
mod last_line;
mod links;
mod live_page;
mod load;
mod log;
mod origin;
mod page;
mod params;
mod processes;
mod pty;
mod reader;
mod readme;
mod ready;
mod reference;
mod replay;
mod report;
mod scenarios;
mod serve;
mod steps;
mod targets;
mod tidy;
mod timeline;
mod triggers;
mod users;
mod users_apart;
mod waves;
mod world;
