//! Scheduled jobs: tasks of the Task Scheduler.

mod adapter;
mod task;
mod trigger;
mod xml;

pub(crate) use adapter::Schtasks;
