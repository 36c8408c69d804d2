//! `cargo xtask test wine`: the agent for Windows, on a Windows of Wine's making.
//!
//! Files, the registry, processes and the service control manager are real there; accounts, tasks and PowerShell are not:
//! their programs do nothing and exit 0, which the agent must see. As an envoy of a real server it lives there as a service. It
//! comes by TCP: Wine 8 does not tell `IPV6_V6ONLY` of a socket of IPv4, as Windows does, and without that QUIC has none.

mod fleet;
mod prefix;
mod programs;
mod stage;
mod story;

pub use stage::run;
