//! `custom_types`: executors that stand ready for resources of type `custom`.

use super::super::see::list;
use super::super::{Collector, form};
use crate::resource::custom::FOLDERS;

/// The collector.
pub const CUSTOM_TYPES: Collector =
    Collector::quick("custom_types", |_| FOLDERS.map(list).into(), |_, outputs| form::custom_types(FOLDERS, outputs))
        .of_image();
