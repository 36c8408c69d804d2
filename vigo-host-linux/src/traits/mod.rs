//! Traits: what to read of a Linux machine, and what the answers say. One file an area of the table in
//! [`vigo_core::traits`].

mod accounts;
mod agent_self;
mod apparmor;
mod cpu;
mod disks;
mod dmi;
mod docker;
mod filesystem;
mod firewall;
mod hardware;
mod host_containers;
mod host_self;
mod hypervisor;
mod init;
mod interfaces;
mod kernel;
mod kernel_module_attestation;
mod listeners;
mod loadavg;
mod locale;
mod memory;
mod mountpoints;
mod network;
mod os;
mod package_source_audit;
mod package_updates;
mod packages;
mod ports;
mod reboot;
mod repositories;
mod secureboot;
mod security_scan;
mod selinux;
mod services;
mod storage;
mod table;
mod time;
mod tools;
mod tpm;
mod uptime;
mod users;
mod virtualization;

pub use table::COLLECTORS;
