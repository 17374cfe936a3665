//! Passavant: border-post verification of licences for firearms, their parts and components, and
//! ammunition. The modules in reading order: the words, the judgement, the wire, the keys,
//! the log, the credentials, the database, the use cases, the doors.
pub mod clock;
pub mod config;
pub mod domain;
pub mod rules;
pub mod wire;

pub mod signing;

pub mod audit;
pub mod credential;
pub mod storage;

pub mod cache;
pub mod demo;
pub mod outbound;

pub mod app;
pub mod http;
pub mod telemetry;
pub mod worker;
