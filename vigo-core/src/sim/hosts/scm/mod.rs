//! Windows: the service control manager, as sc.exe, net.exe and the documentation of its functions have it.

mod manager;
mod service;
mod tools;

pub use manager::Scm;
