//! The extractors of SecLyzer Edge: events of keyboard, mouse and applications in, features out.
//!
//! The way of the data, and a module for each step:
//!
//! [`event`] (one message, parsed and checked) → [`window`] (stream time: which windows are due) →
//! [`keystroke`], [`mouse`], [`apps`] over [`stats`] (events in, numbers out) → [`output`] (names, order, text).
//! [`core`] drives these as a pure state machine: it knows no Redis, no clock and no thread, so that live service,
//! backlog, [`replay`] and tests all run the same code. What is computed is laid down in the project's contract;
//! the Python implementation computes with modules of the same names and gives the same numbers.

pub mod apps;
pub mod buffer;
pub mod certificate;
pub mod check;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod core;
pub mod counters;
pub mod cursor;
pub mod dependency;
pub mod event;
pub mod features;
pub mod histogram;
pub mod http;
pub mod influx;
pub mod json;
pub mod keystroke;
pub mod logs;
pub mod mouse;
pub mod names;
pub mod net;
pub mod notify;
pub mod operators;
pub mod output;
pub mod patterns;
pub mod plausible;
pub mod publish;
pub mod redis;
pub mod refusal;
pub mod replay;
pub mod resp;
pub mod schema;
pub mod service;
pub mod source;
pub mod spool;
pub mod state;
pub mod stats;
pub mod stats_hash;
pub mod store;
pub mod stream_bounds;
pub mod timestamp;
pub mod tls;
pub mod waits;
pub mod window;
pub mod windowing;

/// The version of this release, from the project's `VERSION` file.
pub const VERSION: &str = include_str!("../../../VERSION").trim_ascii();

/// What this implementation calls itself in everything it writes.
pub const IMPLEMENTATION: &str = "rust";
