//! Vigo's core: everything that decides, and nothing that acts.
//!
//! No call in here reads a file, asks a clock or waits. A driver brings texts, time and the answers of a machine, and
//! performs what it is told. In the order of use:
//!
//! 1. [`source`]: a [`source::Tree`] of files becomes [`source::Sources`], parsed, with every position kept.
//! 2. [`config`]: [`config::Config::read`] says what the files mean. It never fails; what is wrong stands in its
//!    [`diagnostic`]s.
//! 3. [`resolve`]: [`resolve::check`] validates the whole tree; [`resolve::resolve`] returns the policy of one host.
//! 4. [`bundle`]: that policy is a [`bundle::PolicyBundle`]; [`bundle::sign`] and [`bundle::verify`] take it from a
//!    server to an agent.
//! 5. [`converge`]: a [`converge::Converge`] is one run on one machine. It is polled for [`action::Op`]s, which an
//!    executor performs, and ends in a [`converge::RunReport`].
//!
//! Between a server and its agents: [`id`] names an envoy, [`wire`] is what they say to each other, and [`bundle`] holds
//! what only a signature makes true: the policy, its [`bundle::Assignment`] to one envoy, the fleet's
//! [`bundle::KeySet`]. [`server`] decides who becomes an envoy and what an envoy is answered; [`fleet`] is what it knows
//! of all of them; [`agent`] is the life of an agent between its server and its machine; [`backup`] is what a server comes back
//! from.
//!
//! Around them: [`resource`] holds the resource types and what they compare; [`host`] is what a platform implements
//! (the crates `vigo-host-*` do); [`mod@template`] and [`when`] are the two languages inside a policy; [`traits`] and
//! [`value`] are the data that they see; [`secret`] keeps secrets out of policies and out of sight; [`limits`] lists
//! every bound on what comes from outside. With the feature `sim` there is `sim`: whole fleets in one thread, on disks and
//! a network that fail.
//!
//! [`preview`] answers what a policy would do on a machine that nobody has; [`survey`] says of a whole tree what is where and
//! who needs it, and [`promote`](mod@promote) brings what one environment sets over to another.
//!
//! The examples are programs to start from: `resolve_and_plan` prints what a tree would have an OpenBSD host do,
//! `own_executor` drives real runs on a disk in memory, `verify_bundle` signs a policy and refuses a changed one.
//!
//! ```
//! use vigo_core::config::Config;
//! use vigo_core::resolve::resolve;
//! use vigo_core::source::{Sources, Tree};
//!
//! let motd = "resources:\n  - {name: motd, type: file, target_path: /etc/motd, content: hello}\n";
//! let envoys = "envoys:\n  - {match: 'web-*', configcrates: [motd]}\n";
//! let tree = Tree::from_texts([("configcrates/motd.vgo", motd), ("envoys.vgo", envoys)]);
//!
//! let sources = Sources::read(&tree);
//! let config = Config::read(&sources);
//! assert!(config.diagnostics.is_empty());
//!
//! let policy = resolve(&config, "web-1", None).expect("some block matches").bundle;
//! assert_eq!(&*policy.resources[0].id, "motd/motd");
//!
//! assert!(resolve(&config, "db-1", None).is_err(), "no block matches");
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod action;
pub mod agent;
pub mod backup;
pub mod base64;
pub mod bundle;
pub mod config;
pub mod converge;
pub mod diagnostic;
pub mod editor;
pub mod entropy;
pub mod fleet;
pub mod format;
pub mod glob;
pub mod guard;
pub mod hex;
pub mod host;
pub mod id;
pub mod limits;
pub mod plan;
pub mod policy_test;
pub mod preview;
pub mod promote;
mod random;
pub mod resolve;
pub mod resource;
pub mod schema;
pub mod secret;
pub mod server;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod source;
pub mod survey;
pub mod template;
pub mod time;
pub mod traits;
pub mod value;
pub mod when;
pub mod wire;
