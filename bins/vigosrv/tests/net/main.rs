//! Agents and a server over real sockets on loopback: both ways, and what attackers try.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as expected")]

mod adopt;
mod answered;
mod attackers;
mod backup;
mod canary;
mod clones;
mod damaged;
mod doctor;
mod fleet;
mod keys;
mod lost;
mod lost_key;
mod openbao;
mod outside;
mod overload;
mod proof;
mod rest;
mod restored;
mod scheduled;
mod whole;
