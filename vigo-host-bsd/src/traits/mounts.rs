//! `mountpoints`, `filesystem`: mount(8).

use super::Bsd;
use crate::mounts::Mounted;
use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, run};
use vigo_core::traits::{Collector, Found, Machine, form, posix};

const MOUNT: &str = "/sbin/mount";

/// File systems that hold nothing.
const EMPTY: &[&str] = &["autofs", "devfs", "fdesc", "fdescfs", "kernfs", "linprocfs", "linsysfs", "procfs", "ptyfs"];

/// File systems that are looked at.
const MOUNTS_MAX: usize = 3000;

/// Returns the collector of `mountpoints`.
pub(crate) const fn mountpoints<B: Bsd>() -> Collector {
    Collector::slow("mountpoints", |_| alloc::vec![run(MOUNT, &[])], points::<B>)
}

/// Returns the collector of `filesystem`.
pub(crate) const fn filesystem<B: Bsd>() -> Collector {
    Collector::slow("filesystem", |_| alloc::vec![run(MOUNT, &[])], spaces::<B>)
}

fn mounted<B: Bsd>(outputs: &Outputs) -> Result<Vec<Mounted>, String> {
    let text = See(outputs).output(MOUNT, &[])?;
    let mounts: Vec<Mounted> = text.lines().filter_map(B::mounted).take(MOUNTS_MAX).collect();
    // The root is always mounted.
    if mounts.is_empty() { Err("`mount` says nothing".into()) } else { Ok(mounts) }
}

fn points<B: Bsd>(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let mounts = mounted::<B>(outputs)?;
    Ok(form::mountpoints(mounts.iter().map(|m| {
        let options: Vec<&str> = m.options.iter().map(String::as_str).collect();
        let read_only = options.contains(&"ro");
        (m.point.clone(), form::Mount { device: &m.source, fstype: &m.fstype, options, read_only })
    })))
}

/// Shown twice: what is mounted elsewhere, or below another one.
const DOUBLES: &[&str] = &["null", "nullfs", "union", "unionfs"];

/// The local file systems of a system.
pub(crate) struct Local<B>(PhantomData<B>);

impl<B: Bsd> posix::Mounts for Local<B> {
    fn ask() -> Op {
        run(MOUNT, &[])
    }

    fn local(outputs: &Outputs) -> Result<Vec<String>, String> {
        let all = mounted::<B>(outputs)?.into_iter();
        Ok(all.filter(|m| is_local(m) && !DOUBLES.contains(&&*m.fstype)).map(|m| m.point).collect())
    }
}

fn is_local(mounted: &Mounted) -> bool {
    mounted.options.iter().any(|o| o == "local") && !EMPTY.contains(&&*mounted.fstype)
}

/// Of local ones only: asking one whose server is gone would hang.
fn spaces<B: Bsd>(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let mounts = mounted::<B>(outputs)?;
    let points: Vec<&str> = mounts.iter().filter(|m| is_local(m)).map(|m| m.point.as_str()).collect();
    Ok(form::filesystem(See(outputs), &points))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::freebsd::Tools as FreeBsd;
    use crate::openbsd::Tools as OpenBsd;
    use alloc::sync::Arc;
    use vigo_core::action::{OpOutput, Space};
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    const TEXT: &str = "/dev/ada0p2 on / (ufs, local, soft-updates)\ndevfs on /dev (devfs, local)\n\
                        host:/x on /mnt (nfs, read-only)\n";

    #[test]
    fn local_file_systems_are_asked_for_their_space() {
        let mut outputs = answers(&[("run /sbin/mount", TEXT)]);
        let Ok(Found::Ask(ops)) = spaces::<FreeBsd>(&Machine::default(), &outputs) else { panic!("no question") };
        assert_eq!(ops.len(), 1, "{ops:?}");
        let space = Space {
            size_bytes: 100 << 20,
            free_bytes: 60 << 20,
            available_bytes: 40 << 20,
            inodes: 100,
            inodes_free: 75,
        };
        outputs.push(ops[0].clone(), Arc::new(OpOutput::Space(space)));
        let Ok(Found::Value(seen)) = spaces::<FreeBsd>(&Machine::default(), &outputs) else { panic!("no value") };
        assert_eq!(seen.at("/.used_pct"), Some(&Value::Float(50.0)));
        assert_eq!(seen.at("/.inodes_used_pct"), Some(&Value::Float(25.0)));
    }

    #[test]
    fn local_file_systems_with_files_of_their_own_are_walked() {
        use posix::Mounts as _;
        let text = "/dev/sd0a on / type ffs (local)\n/dev/sd0k on /home type ffs (local, nodev)\n\
                    host:/x on /mnt type nfs (nodev)\n/home on /jail/home type null (local)\nprocfs on /proc type procfs (local)\n";
        let outputs = answers(&[("run /sbin/mount", text)]);
        assert_eq!(Local::<OpenBsd>::local(&outputs), Ok(alloc::vec!["/".into(), "/home".into()]));
        assert!(Local::<OpenBsd>::local(&Outputs::default()).is_err());
    }

    #[test]
    fn mounts_are_listed_by_their_place() {
        let Ok(Found::Value(seen)) = points::<FreeBsd>(&Machine::default(), &answers(&[("run /sbin/mount", TEXT)]))
        else {
            panic!("expected a value")
        };
        assert_eq!(seen.as_map().map(|m| m.len()), Some(3));
        assert_eq!(seen.at("/mnt.read_only"), Some(&Value::Bool(true)));
        let typed = answers(&[(
            "run /sbin/mount",
            "/dev/sd0a on / type ffs (local)\n/dev/sd0k on /home type ffs (local, nodev, read-only)\n",
        )]);
        let Ok(Found::Value(seen)) = points::<OpenBsd>(&Machine::default(), &typed) else { panic!("no value") };
        assert_eq!(
            (seen.at("/home.fstype"), seen.at("/home.read_only")),
            (Some(&"ffs".into()), Some(&Value::Bool(true)))
        );
        assert!(points::<FreeBsd>(&Machine::default(), &answers(&[("run /sbin/mount", "nonsense\n")])).is_err());
    }
}
