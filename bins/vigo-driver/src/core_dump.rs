//! Core dumps: a program that has had secrets leaves none.

/// Has the system write no image of this program's memory when it crashes. On Linux nobody else of its account may look into
/// it either, and the programs that it starts are not concerned; on other systems they begin with the same limit, which they
/// may raise.
pub fn forbid_core_dumps() {
    #[cfg(target_os = "linux")]
    {
        // It fails for a value that there is not.
        let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
    #[cfg(all(unix, not(target_os = "linux")))]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
        // Less than before is never refused.
        let _ = setrlimit(Resource::Core, limit);
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
