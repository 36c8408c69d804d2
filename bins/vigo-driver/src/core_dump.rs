//! Core dumps: a program that has had secrets leaves none.

/// Has the system write no image of this program's memory when it crashes, and let nobody else of its account look into it.
/// The programs that it starts are not concerned.
pub fn forbid_core_dumps() {
    #[cfg(target_os = "linux")]
    {
        // It fails for a value that there is not.
        let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    #[test]
    fn memory_is_not_dumped() {
        super::forbid_core_dumps();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    }
}
