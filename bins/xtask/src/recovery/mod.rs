//! `cargo xtask test recovery`: servers are lost and come back, and the machines of the fleet never stop converging.

mod age;
mod litestream;
mod load;
mod logs;
mod loss;
mod master_key;
mod scenarios;
mod site;
mod table;
mod watch;

pub use age::interop;
pub use scenarios::run;
