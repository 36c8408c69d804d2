//! Mounts, swap and kernel parameters on machines in memory.

use crate::machine::{Machine, list, text};
use vigo_core::host::Init;
use vigo_core::resource::Datum;

type Attributes = Vec<(&'static str, Datum)>;

const MOUNTS: &str = "27 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n\
                      28 27 0:40 / /run rw - tmpfs tmpfs rw,size=1024k\n\
                      40 27 0:5 / /proc rw - proc proc rw\n";
const FSTAB: &str = "# /etc/fstab\nUUID=root / ext4 errors=remount-ro 0 1\n";

fn machine() -> Machine {
    let mut m = Machine::new(&[
        ("/etc/fstab", FSTAB),
        ("/proc/self/mountinfo", MOUNTS),
        ("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"),
        ("/proc/sys/vm/swappiness", "60\n"),
        ("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"),
        ("/etc/sysctl.conf", "#vm.swappiness=1\n"),
        ("/dev/sdb1", ""),
    ]);
    m.dir("/etc/sysctl.d");
    m.link("/dev/disk/by-uuid/data", "../../sdb1");
    m
}

fn with(base: &Attributes, more: &[(&'static str, &str)]) -> Attributes {
    let mut attributes = base.clone();
    for (name, value) in more {
        attributes.retain(|(n, _)| n != name);
        attributes.push((name, text(value)));
    }
    attributes
}

fn data() -> Attributes {
    vec![("path", text("/data")), ("device", text("UUID=data")), ("fstype", text("xfs"))]
}

#[test]
fn a_mount_is_made_changed_and_removed() {
    let mut m = machine();
    let run = m.apply("mount", &data());
    assert_eq!(run.changes, ["table: absent → UUID=data", "mounted: false → true"]);
    assert_eq!(run.ops, ["write /etc/fstab (85 bytes)", "mkdir /data mode 0755", "mount /data"]);
    assert_eq!(m.text("/etc/fstab"), format!("{FSTAB}UUID=data /data xfs defaults 0 0\n"));

    // The kernel names the node, not the tag.
    let live = |options: &str| format!("{MOUNTS}60 27 8:17 / /data {options} - xfs /dev/sdb1 rw\n");
    m.file("/proc/self/mountinfo", &live("rw,relatime"));
    assert_eq!(m.apply("mount", &data()).changes.len(), 0);
    let run = m.apply("mount", &with(&data(), &[("options", "nosuid,ro"), ("pass", "2")]));
    assert_eq!(
        run.changes,
        ["table pass: 0 → 2", "table options: defaults → nosuid,ro", "options: rw,relatime,rw → nosuid,ro"]
    );
    assert_eq!(run.ops[1..], ["mount -o remount,nosuid,ro /data"]);
    assert_eq!(m.apply("mount", &with(&data(), &[("options", "ro,nosuid"), ("pass", "2")])).changes.len(), 0, "order");

    m.file("/proc/self/mountinfo", &live("rw").replace("/dev/sdb1", "/dev/sdc1"));
    let run = m.apply("mount", &with(&data(), &[("options", "nosuid"), ("pass", "2")]));
    assert_eq!(run.changes[1..], ["source: /dev/sdc1 → UUID=data"]);
    assert_eq!(run.ops[1..], ["umount /data", "mount /data"]);

    let run = m.apply("mount", &[("path", text("/data")), ("state", text("unmounted"))]);
    assert_eq!(run.ops, ["umount /data"]);
    let run = m.apply("mount", &[("path", text("/data")), ("state", text("absent"))]);
    assert_eq!(run.changes, ["table: present → absent"]);
    assert_eq!(m.text("/etc/fstab"), FSTAB);
}

#[test]
fn another_name_of_the_device_in_the_table_is_as_good() {
    let mut m = machine();
    m.file("/etc/fstab", "/dev/sdb1\t/data\txfs\tdefaults\t0 0\n");
    let run = m.apply("mount", &with(&data(), &[("state", "present"), ("options", "ro")]));
    assert_eq!(run.changes, ["table options: defaults → ro"]);
    assert_eq!(m.text("/etc/fstab"), "/dev/sdb1\t/data\txfs\tro\t0 0\n");
}

#[test]
fn binds_and_loops_are_known_by_what_is_behind_them() {
    let bind: Attributes = vec![
        ("path", text("/srv/www")),
        ("device", text("/home/www")),
        ("fstype", text("none")),
        ("options", list(&["bind", "ro"])),
    ];
    let mut m = machine();
    assert_eq!(m.apply("mount", &bind).failure, None);
    m.file("/proc/self/mountinfo", &format!("{MOUNTS}60 27 8:1 /home/www /srv/www ro - ext4 /dev/sda1 rw\n"));
    assert_eq!(m.apply("mount", &bind).changes.len(), 0);
    m.file("/proc/self/mountinfo", &format!("{MOUNTS}60 27 8:1 /home/other /srv/www ro - ext4 /dev/sda1 rw\n"));
    assert_eq!(m.apply("mount", &bind).changes, ["source: /home/other of /dev/sda1 → /home/www"]);

    let image = with(&data(), &[("device", "/srv/disk.img")]);
    m.file("/proc/self/mountinfo", &format!("{MOUNTS}60 27 7:0 / /data rw - xfs /dev/loop0 rw\n"));
    m.file("/sys/block/loop0/loop/backing_file", "/srv/disk.img\n");
    assert_eq!(m.apply("mount", &image).changes.len(), 1, "the table only");
    m.file("/sys/block/loop0/loop/backing_file", "/srv/other.img\n");
    assert_eq!(m.apply("mount", &image).changes, ["source: /dev/loop0 → /srv/disk.img"]);
}

#[test]
fn systemd_hears_of_a_new_table_before_the_mount() {
    let mut m = machine().with_programs(&["systemctl"]);
    m.facts.init = Init::Systemd;
    let run = m.apply("mount", &data());
    assert_eq!(run.ops[1..], ["systemctl daemon-reload", "mkdir /data mode 0755", "mount /data"]);
    let run = machine().image().apply("mount", &data());
    assert_eq!(run.ops, ["write /etc/fstab (85 bytes)"]);
    assert_eq!(run.notes, ["nothing is mounted or unmounted in an image"]);
}

#[test]
fn what_cannot_be_mounted_is_said() {
    let cases = [
        (
            with(&data(), &[("path", "/"), ("state", "unmounted")]),
            "attribute `device`: has no meaning with `state: unmounted`",
        ),
        (
            vec![("path", text("/")), ("state", text("absent"))],
            "attribute `path`: the root of the system cannot be unmounted",
        ),
        (with(&data(), &[("device", "-x")]), "attribute `device`: expected a device or source, found `-x`"),
        (with(&data(), &[("options", "a b")]), "attribute `options`: expected options without blanks, found `a b`"),
        (vec![("path", text("/data"))], "type `mount` needs `device`, `fstype`"),
        (with(&data(), &[("path", "/dev/sdb1")]), "expected a directory at `/dev/sdb1`, found something else"),
    ];
    for (attributes, message) in cases {
        assert_eq!(machine().apply("mount", &attributes).failure.as_deref(), Some(message));
    }
    for path in ["/etc/fstab", "/proc/self/mountinfo"] {
        let mut m = machine();
        m.denied = vec![path];
        let run = m.apply("mount", &data());
        assert_eq!(run.failure, Some(format!("unknown: cannot read `{path}`: permission denied")));
    }
}

#[test]
fn a_swap_file_is_made_and_removed() {
    let swap: Attributes = vec![("path", text("/swap file")), ("size", text("1G"))];
    let mut m = machine();
    m.answers = vec![("blkid -p -s TYPE -o value '/swap file'", 0, "swap\n")];
    let run = m.apply("swap", &swap);
    assert_eq!(
        run.changes,
        ["file: absent → 1024 MiB", "swap space: absent → present", "table: absent → present", "active: false → true"]
    );
    assert_eq!(
        run.ops,
        [
            "fallocate -l 1073741824 '/swap file'",
            "mkswap '/swap file'",
            "write /etc/fstab (83 bytes)",
            "swapon '/swap file'"
        ]
    );
    assert!(m.text("/etc/fstab").ends_with("/swap\\040file none swap sw 0 0\n"));
    let run = m.apply("swap", &with(&swap, &[("priority", "5")]));
    assert_eq!(run.changes, ["table priority: none → 5", "priority: -2 → 5"]);
    assert_eq!(run.ops[1..], ["swapoff '/swap file'", "swapon -p 5 '/swap file'"]);
    assert_eq!(run.notes, ["the size stays 0 MiB, not 1024: the file is not made anew"]);
    let run = m.apply("swap", &[("path", text("/swap file")), ("state", text("absent"))]);
    assert_eq!(run.ops[..1], ["swapoff '/swap file'"]);
    assert_eq!(m.text("/etc/fstab"), FSTAB);
    assert!(!m.nodes.contains_key("/swap file"));
}

#[test]
fn a_device_with_something_on_it_is_not_made_swap() {
    let swap: Attributes = vec![("device", text("UUID=data"))];
    let mut m = machine();
    let blkid = "blkid -p -s TYPE -o value /dev/sdb1";
    m.answers = vec![(blkid, 0, "ext4\n")];
    assert_eq!(
        m.apply("swap", &swap).failure.as_deref(),
        Some("expected nothing or swap on `UUID=data`, found `ext4`")
    );
    m.answers = vec![(blkid, 1, "")];
    assert_eq!(m.apply("swap", &swap).failure.as_deref(), Some("unknown: `blkid` ended with exit 1"));
    m.answers = vec![(blkid, 2, "")];
    assert_eq!(m.once("swap", &swap).ops[..1], ["mkswap /dev/sdb1"]);
    m.file("/proc/swaps", "Filename Type Size Used Priority\n/dev/sdb1 partition 1 0 -2\n");
    m.file("/etc/fstab", "/dev/sdb1 none swap sw 0 0\n");
    assert_eq!(m.apply("swap", &swap).changes.len(), 0, "the node in the table is the device of the tag");
    let mut m = machine();
    m.facts.container = true;
    m.answers = vec![(blkid, 0, "swap\n")];
    let run = m.apply("swap", &swap);
    assert_eq!(run.failure.as_deref(), Some("expected swap on `UUID=data`, but a container uses the swap of its host"));
    let run = machine().apply("swap", &[("device", text("/dev/nosuch"))]);
    assert_eq!(run.failure.as_deref(), Some("the device `/dev/nosuch` does not exist"));
    let run = machine().apply("swap", &[("path", text("/swap"))]);
    assert_eq!(run.failure.as_deref(), Some("the swap file `/swap` does not exist"));
    let run = machine().apply("swap", &[("size", text("1"))]);
    assert_eq!(run.failure.as_deref(), Some("type `swap` needs `path` or `device`"));
}

#[test]
fn a_parameter_is_set_now_and_at_boot() {
    let swappiness: Attributes = vec![("key", text("vm.swappiness")), ("value", text("10"))];
    let mut m = machine();
    let run = m.apply("sysctl", &swappiness);
    assert_eq!(run.changes, ["value: 60 → 10", "value at boot: absent → 10"]);
    assert_eq!(run.ops, ["sysctl -w vm.swappiness=10", "write /etc/sysctl.d/99-vigo-vm.swappiness.conf (37 bytes)"]);
    assert_eq!(m.text("/etc/sysctl.d/99-vigo-vm.swappiness.conf"), "# managed by vigo\nvm.swappiness = 10\n");
    m.file("/etc/sysctl.d/99-z.conf", "vm/swappiness=30\n");
    m.file("/etc/sysctl.conf", "vm.swappiness=40\n");
    assert_eq!(
        m.apply("sysctl", &swappiness).notes,
        [
            "`/etc/sysctl.d/99-z.conf` is read later and sets `vm.swappiness` to `30`",
            "`/etc/sysctl.conf` is read later and sets `vm.swappiness` to `40`"
        ]
    );
    let run = m.apply("sysctl", &[("key", text("vm/swappiness")), ("state", text("absent"))]);
    assert_eq!(run.ops, ["remove /etc/sysctl.d/99-vigo-vm.swappiness.conf"]);
    assert_eq!(m.text("/proc/sys/vm/swappiness"), "10\n");

    let range =
        [("key", text("net.ipv4.ip_local_port_range")), ("value", text("32768   60999")), ("persist", text("false"))];
    assert_eq!(m.apply("sysctl", &range).changes.len(), 0, "blanks are blanks");
    let run = machine().image().apply("sysctl", &swappiness);
    assert_eq!(run.changes, ["value at boot: absent → 10"]);
}

#[test]
fn a_parameter_that_cannot_be_set_is_said() {
    let mut m = machine();
    m.file("/proc/self/mountinfo", &format!("{MOUNTS}41 40 0:5 /sys /proc/sys ro - proc proc rw\n"));
    let swappiness = |value: &str| vec![("key", text("vm.swappiness")), ("value", text(value))];
    let run = m.apply("sysctl", &swappiness("10"));
    assert_eq!(
        run.failure.as_deref(),
        Some("expected `vm.swappiness` to be `10`, found `60` on a read-only `/proc/sys`")
    );
    assert_eq!(m.apply("sysctl", &swappiness("60")).failure, None, "nothing to set");
    let missing = vec![("key", text("net.netfilter.x")), ("value", text("1"))];
    let run = m.apply("sysctl", &missing);
    assert_eq!(run.failure.as_deref(), Some("the kernel has no parameter `net.netfilter.x`"));
    let run = m.apply("sysctl", &with(&missing, &[("ignore_missing", "true")]));
    assert_eq!(run.changes, ["value at boot: absent → 1"]);
    for key in ["../../etc/passwd", "vm", "vm..x"] {
        let run = m.apply("sysctl", &[("key", text(key)), ("value", text("1"))]);
        let message = format!("attribute `key`: expected a parameter such as `vm.swappiness`, found `{key}`");
        assert_eq!(run.failure, Some(message));
    }
    m.denied = vec!["/proc/sys/vm/swappiness"];
    let run = m.apply("sysctl", &swappiness("10"));
    assert_eq!(run.failure.as_deref(), Some("unknown: cannot read `/proc/sys/vm/swappiness`: permission denied"));
}

#[test]
fn a_plan_foretells_mounts_swap_and_parameters() {
    let mut m = machine();
    m.answers = vec![("blkid -p -s TYPE -o value /swap", 2, "")];
    let tmpfs = vec![
        ("path", text("/scratch")),
        ("device", text("tmpfs")),
        ("fstype", text("tmpfs")),
        ("options", text("size=64m,nodev,mode=1777")),
    ];
    let cases: [(&str, Attributes); 4] = [
        ("mount", data()),
        ("mount", tmpfs),
        ("swap", vec![("path", text("/swap")), ("size", text("10"))]),
        ("sysctl", vec![("key", text("vm.swappiness")), ("value", text("10"))]),
    ];
    for (type_name, attributes) in cases {
        m.foretell(type_name, &attributes);
        let run = m.apply(type_name, &attributes);
        assert_eq!((run.changes, run.failure), (vec![], None), "{type_name}");
    }
}
