//! Unit and drop-in files, and systemd's view of them.

use super::systemd::{
    Show, daemon_reload, is_enabled_answer, is_enabled_here, is_enabled_in, manage, probe_show, show_answer,
};
use super::unit_file::{install, is_template, local_folder};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, OpOutput, Outputs, Owner};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::file;
use vigo_core::resource::service::BootState;
use vigo_core::resource::systemd_unit::{Action, State, UnitFile, Want};

/// Unit files by file operations, `systemctl` for the rest.
pub struct Units;

/// A folder of drop-ins with more is not empty.
const DROPINS_MAX: usize = 256;

impl<const DROPIN: bool> Adapter<UnitFile<DROPIN>> for Units {
    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = on_disk(want, facts);
        match &facts.image {
            Some(_) if is_blind::<DROPIN>(facts) => {}
            Some(image) => ops.push(is_enabled_in(image, &want.unit)),
            None if is_template(&want.unit) => ops.extend(of_template(want)),
            None => ops.extend(probe_show([&want.unit])),
        }
        ops
    }

    /// One `systemctl show` tells of all units; the files are read at each one's turn.
    fn probe_all(&self, wants: &[&Want], facts: &HostFacts) -> Vec<Op> {
        match facts.image {
            Some(_) => Vec::new(),
            None => probe_show(wants.iter().map(|want| &want.unit).filter(|unit| !is_template(unit))),
        }
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let mut asks = on_disk(want, facts);
        if is_template(&want.unit) && facts.image.is_none() {
            asks.extend(of_template(want));
        }
        asks.retain(|op| outputs.get(op).is_none());
        if !asks.is_empty() {
            return Interpreted::Ask(asks);
        }
        let file = match file::Native.interpret(&want.file, outputs, facts) {
            Interpreted::Known(state) => state,
            Interpreted::Unknown(why) => return Interpreted::Unknown(why),
            Interpreted::Ask(ops) => return Interpreted::Ask(ops),
        };
        let shown = match &facts.image {
            Some(_) if is_blind::<DROPIN>(facts) => Ok(Show { boot: BootState::Disabled, stale: false }),
            Some(image) => is_enabled_answer(&is_enabled_in(image, &want.unit), outputs),
            None if is_template(&want.unit) => template_answer(want, outputs),
            None => show_answer(&want.unit, outputs),
        };
        let Show { boot, stale } = match shown {
            Ok(shown) => shown,
            Err(why) => return Interpreted::Unknown(why),
        };
        let folder = match outputs.path(&want.folder) {
            Some(OpOutput::Dir(entries)) => Some(entries.iter().map(|e| e.path.clone()).collect()),
            _ => None,
        };
        Interpreted::Known(State { boot: boot_after(want, &file, boot), file, stale, folder })
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        for action in actions {
            match want.file_ops(state, action) {
                Some(more) => ops.extend(more?),
                None => match action {
                    Action::DaemonReload => ops.extend(facts.image.is_none().then(daemon_reload)),
                    Action::Enable => ops.push(manage("enable", &want.unit, facts)?),
                    Action::Disable => ops.push(manage("disable", &want.unit, facts)?),
                    Action::File(_) | Action::RemoveFolder => {}
                },
            }
        }
        Ok(ops)
    }

    fn shares(&self, op: &Op) -> bool {
        *op == daemon_reload()
    }

    fn shadow(&self, want: &Want, _: &State, actions: &[Action], _: &Outputs) -> Vec<Op> {
        let links: Vec<String> = want.content().map(|c| install(c, &want.unit).links).unwrap_or_default();
        let links = links.iter().map(|link| local_folder().join(link));
        let made = actions.iter().any(|a| matches!(a, Action::Enable));
        let gone = actions.iter().any(|a| matches!(a, Action::Disable));
        links
            .filter(|_| made || gone)
            .map(|path| match made {
                true => Op::Symlink { path, to: want.file.edit.path.shared(), owner: Owner::default(), force: false },
                false => Op::Remove { path, recursive: false },
            })
            .collect()
    }
}

/// Returns the reads of the file, and of the folder that may go with it.
fn on_disk(want: &Want, facts: &HostFacts) -> Vec<Op> {
    let mut ops = file::Native.probe(&want.file, facts);
    if !want.file.present {
        ops.push(Op::ListDir { path: want.folder.clone(), deep: false, entries_max: DROPINS_MAX });
    }
    ops
}

/// Returns the read of a template's boot state. A template is no unit that `show` would tell of, and is not loaded.
fn of_template(want: &Want) -> Option<Op> {
    (want.boot.is_some() || !want.file.present).then(|| is_enabled_here(&want.unit))
}

fn template_answer(want: &Want, outputs: &Outputs) -> Result<Show, String> {
    let Some(op) = of_template(want) else { return Ok(Show { boot: BootState::Disabled, stale: false }) };
    let shown = is_enabled_answer(&op, outputs)?;
    Ok(match shown.boot {
        // Some instance is enabled, and not the default one: its link would stay behind.
        BootState::Fixed("indirect") if want.file.present => Show { boot: BootState::Disabled, ..shown },
        BootState::Fixed("indirect") => Show { boot: BootState::Enabled, ..shown },
        _ => shown,
    })
}

/// Returns whether nothing is to be learned of a unit in an image.
fn is_blind<const DROPIN: bool>(facts: &HostFacts) -> bool {
    DROPIN || !facts.has("systemctl")
}

/// Returns the boot state as it will be once the wanted content is there: `systemctl` knows the old one.
fn boot_after(want: &Want, file: &file::State, now: BootState) -> BootState {
    let Some(content) = want.content().filter(|_| want.file.present) else { return now };
    let same = matches!(&file.wanted, Ok(Some(wanted)) if Some(wanted.sha256) == file.seen.sha256);
    if same {
        return now;
    }
    let install = install(content, &want.unit);
    match (install.links.is_empty(), install.also, now) {
        (true, false, _) => BootState::Fixed("static"),
        (true, true, _) => BootState::Fixed("indirect"),
        (false, _, BootState::Enabled) => BootState::Enabled,
        (false, _, _) => BootState::Disabled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Linux;
    use alloc::boxed::Box;
    use alloc::format;
    use alloc::string::ToString;
    use alloc::sync::Arc;
    use vigo_core::action::{FileKind, Metadata};
    use vigo_core::bundle::Place;
    use vigo_core::host::{Init, Phase};
    use vigo_core::resource::{Datum, Field, FieldValue, Fields, Instance, Prepare, TypeDecl};
    use vigo_core::resource::{systemd_dropin, systemd_unit};
    use vigo_core::value::Text;

    const UNIT: &str = "[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n";

    fn instance(decl: &'static TypeDecl, items: &[(&str, &str)]) -> Box<dyn Instance> {
        let place = Place::default();
        let field = |(name, value): &(&str, &str)| {
            let value = FieldValue::Known(Datum::Scalar { text: Text::plain(*value), plain: true });
            Field { name: (*name).into(), value, place }
        };
        let items = items.iter().map(field).collect();
        let fields = Fields { decl, id: "c/x".into(), name: "x".into(), place, handler: false, items };
        assert!(vigo_core::resource::check(&fields).is_empty(), "{:?}", vigo_core::resource::check(&fields));
        let facts = HostFacts { init: Init::Systemd, ..HostFacts::default() };
        let render = |_: &str| Err(Problem::failed("no template here"));
        (decl.prepare)(
            &fields,
            &Prepare { host: &Linux, facts: &facts, blobs: &[], render: &render, entropy: &|| None },
        )
        .unwrap()
    }

    /// What a machine is, for one unit.
    #[derive(Clone, Default)]
    struct Machine {
        file: Option<&'static str>,
        link: Option<&'static str>,
        show: &'static str,
        dropins: Option<&'static [&'static str]>,
    }

    fn meta(kind: FileKind) -> Metadata {
        let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!() };
        Metadata { kind, ..meta }
    }

    impl Machine {
        fn answer(&self, op: &Op) -> OpOutput {
            let link = |to: &str| OpOutput::Stat(Metadata { target: Some(to.into()), ..meta(FileKind::Symlink) });
            match op {
                Op::Run(_) => OpOutput::exited(0, self.show, ""),
                Op::ListDir { .. } => match self.dropins {
                    None => OpOutput::Missing,
                    Some(names) => {
                        let entry =
                            |name: &&str| vigo_core::action::Entry { path: (*name).into(), meta: meta(FileKind::File) };
                        OpOutput::Dir(names.iter().map(entry).collect())
                    }
                },
                _ if self.link.is_some() => link(self.link.unwrap_or_default()),
                Op::ReadFile { .. } => self.file.map_or(OpOutput::Missing, OpOutput::file),
                Op::Stat { .. } => self.file.map_or(OpOutput::Missing, |_| OpOutput::Stat(meta(FileKind::File))),
                Op::HashFile { .. } => self.file.map_or(OpOutput::Missing, |text| {
                    let vigo_core::action::Expect::Digest(sha256) = vigo_core::action::Expect::content(text.as_bytes())
                    else {
                        panic!()
                    };
                    OpOutput::Hash { meta: meta(FileKind::File), sha256 }
                }),
                other => panic!("{other}"),
            }
        }

        /// Returns the operations that a resource would perform, or why it fails.
        fn plan(&self, decl: &'static TypeDecl, items: &[(&str, &str)]) -> Vec<String> {
            let facts = HostFacts::default();
            let mut instance = instance(decl, items);
            let mut outputs = Outputs::default();
            let mut ops = instance.probe(&facts);
            for _ in 0..4 {
                for op in ops {
                    let output = self.answer(&op);
                    outputs.push(op, Arc::new(output));
                }
                match instance.interpret(&outputs, &facts) {
                    Interpreted::Ask(more) => ops = more,
                    Interpreted::Unknown(why) => return alloc::vec![format!("unknown: {why}")],
                    Interpreted::Known(()) => break,
                }
                assert!(!ops.is_empty());
            }
            let verdict = instance.compare(Phase::Before);
            if let Some(problem) = verdict.failure {
                return alloc::vec![format!("fails: {problem}")];
            }
            let ops = instance.lower(&facts).unwrap();
            assert_eq!(verdict.changes.is_empty(), ops.is_empty(), "{:?}", verdict.changes);
            ops.iter().map(ToString::to_string).collect()
        }
    }

    const STATIC: &str = "Id=app.service\nLoadState=loaded\nUnitFileState=static\nNeedDaemonReload=no\n";
    const DISABLED: &str = "Id=app.service\nLoadState=loaded\nUnitFileState=disabled\nNeedDaemonReload=no\n";
    const ENABLED: &str = "Id=app.service\nLoadState=loaded\nUnitFileState=enabled\nNeedDaemonReload=no\n";
    const STALE: &str = "Id=app.service\nLoadState=loaded\nUnitFileState=enabled\nNeedDaemonReload=yes\n";
    const MISSING: &str = "Id=app.service\nLoadState=not-found\nUnitFileState=\nNeedDaemonReload=no\n";

    #[test]
    fn a_unit_is_written_loaded_and_enabled() {
        let enabled = [("unit", "app.service"), ("content", UNIT), ("enabled", "true")];
        let plain = [("unit", "app.service"), ("content", UNIT)];
        let stays = [("unit", "app.service"), ("content", "[Service]\nExecStart=/y\n"), ("enabled", "true")];
        let write =
            |bytes: usize| format!("write /etc/systemd/system/app.service ({bytes} bytes) mode 0644 uid 0 gid 0");
        let reload = "systemctl daemon-reload".to_string();
        let enable = "systemctl enable --no-reload -- app.service".to_string();
        let there = |file, show| Machine { file, show, ..Machine::default() };
        let cases = [
            ("new", &enabled[..], there(None, MISSING), alloc::vec![write(UNIT.len()), enable.clone(), reload.clone()]),
            ("new, not enabled", &plain[..], there(None, MISSING), alloc::vec![write(UNIT.len()), reload.clone()]),
            ("in sync", &enabled[..], there(Some(UNIT), ENABLED), alloc::vec![]),
            ("not enabled", &enabled[..], there(Some(UNIT), DISABLED), alloc::vec![enable.clone(), reload.clone()]),
            (
                "changed",
                &enabled[..],
                there(Some("[Service]\n"), ENABLED),
                alloc::vec![write(UNIT.len()), reload.clone()],
            ),
            (
                "gets an install section",
                &enabled[..],
                there(Some("[Service]\n"), STATIC),
                alloc::vec![write(UNIT.len()), enable, reload.clone()],
            ),
            ("cannot be enabled", &stays[..], there(None, MISSING), alloc::vec![write(23), reload.clone()]),
            ("written and not loaded", &enabled[..], there(Some(UNIT), STALE), alloc::vec![reload]),
        ];
        for (name, items, machine, expected) in cases {
            assert_eq!(machine.plan(&systemd_unit::DECL, items), expected, "{name}");
        }
    }

    #[test]
    fn a_template_is_written_without_asking_for_a_unit_that_cannot_be() {
        let content = "[Service]\nExecStart=/x %i\n[Install]\nWantedBy=x.target\nDefaultInstance=a\n";
        let plain = [("unit", "x@.service"), ("content", content)];
        let enabled = [("unit", "x@.service"), ("content", content), ("enabled", "true")];
        let absent = [("state", "absent"), ("unit", "x@.service")];
        let there = |file, show| Machine { file, show, ..Machine::default() };
        let write = "write /etc/systemd/system/x@.service (72 bytes) mode 0644 uid 0 gid 0";
        let (enable, disable) =
            ("systemctl enable --no-reload -- x@.service", "systemctl disable --no-reload -- x@.service");
        let reload = "systemctl daemon-reload";
        let gone = "remove /etc/systemd/system/x@.service";
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Machine, &'a [&'a str]);
        let cases: [Case<'_>; 6] = [
            ("new", &plain, there(None, "nobody asks"), &[write, reload]),
            ("in sync", &plain, there(Some(content), "nobody asks"), &[]),
            ("enabled", &enabled, there(Some(content), "disabled\n"), &[enable, reload]),
            ("another instance is enabled", &enabled, there(Some(content), "indirect\n"), &[enable, reload]),
            ("goes", &absent, there(Some(content), "disabled\n"), &[gone, reload]),
            ("goes with its instances", &absent, there(Some(content), "indirect\n"), &[disable, gone, reload]),
        ];
        for (name, items, machine, expected) in cases {
            assert_eq!(machine.plan(&systemd_unit::DECL, items), expected, "{name}");
        }
        let wants: Vec<_> = ["x@.service", "a.service"]
            .map(|unit| instance(&systemd_unit::DECL, &[("unit", unit), ("content", UNIT)]))
            .into();
        let others: Vec<&dyn Instance> = wants.iter().map(|i| &**i).collect();
        let ops = wants[0].probe_batch(&others[1..], &HostFacts::default());
        assert_eq!(ops.len(), 1);
        assert!(ops[0].to_string().ends_with("-- a.service"), "a template would spoil the answer for all: {}", ops[0]);
    }

    #[test]
    fn a_mask_is_not_overwritten() {
        let machine = Machine { link: Some("/dev/null"), show: MISSING, ..Machine::default() };
        let seen = machine.plan(&systemd_unit::DECL, &[("unit", "app.service"), ("content", UNIT)]);
        assert_eq!(seen, ["fails: unit `app.service` is masked"]);
    }

    #[test]
    fn an_absent_unit_is_disabled_first_and_its_empty_folder_goes() {
        let items = [("state", "absent"), ("unit", "app.service")];
        let machine = |file, show, dropins| Machine { file, show, dropins, ..Machine::default() };
        let remove = "remove /etc/systemd/system/app.service";
        let cases = [
            ("gone", machine(None, MISSING, None), alloc::vec![]),
            (
                "enabled",
                machine(Some(UNIT), ENABLED, Some(&[][..])),
                alloc::vec![
                    "systemctl disable --no-reload -- app.service",
                    remove,
                    "remove /etc/systemd/system/app.service.d",
                    "systemctl daemon-reload"
                ],
            ),
            (
                "with drop-ins of others",
                machine(Some(UNIT), DISABLED, Some(&["x.conf"][..])),
                alloc::vec![remove, "systemctl daemon-reload"],
            ),
            (
                "only the folder is left",
                machine(None, MISSING, Some(&[][..])),
                alloc::vec!["remove /etc/systemd/system/app.service.d"],
            ),
        ];
        for (name, machine, expected) in cases {
            assert_eq!(machine.plan(&systemd_unit::DECL, &items), expected, "{name}");
        }
    }

    #[test]
    fn a_drop_in_is_written_and_its_folder_goes_with_the_last() {
        let items = [("unit", "app.service"), ("content", "[Service]\nNice=5\n")];
        let path = "/etc/systemd/system/app.service.d/override.conf";
        let new = Machine { show: ENABLED, ..Machine::default() };
        assert_eq!(
            new.plan(&systemd_dropin::DECL, &items),
            [format!("write {path} (17 bytes) mode 0644 uid 0 gid 0"), "systemctl daemon-reload".into()]
        );
        let absent = [("state", "absent"), ("unit", "app.service")];
        let cases: [(&'static [&'static str], &[&str]); 2] = [
            (
                &["override.conf"],
                &[
                    "remove /etc/systemd/system/app.service.d/override.conf",
                    "remove /etc/systemd/system/app.service.d",
                    "systemctl daemon-reload",
                ],
            ),
            (
                &["other.conf", "override.conf"],
                &["remove /etc/systemd/system/app.service.d/override.conf", "systemctl daemon-reload"],
            ),
        ];
        for (names, expected) in cases {
            let machine =
                Machine { file: Some("[Service]\n"), dropins: Some(names), show: ENABLED, ..Machine::default() };
            assert_eq!(machine.plan(&systemd_dropin::DECL, &absent), expected, "{names:?}");
        }
    }

    #[test]
    fn a_plan_sees_the_links_of_enable() {
        let mut instance =
            instance(&systemd_unit::DECL, &[("unit", "app.service"), ("content", UNIT), ("enabled", "true")]);
        let facts = HostFacts::default();
        let machine = Machine { show: MISSING, ..Machine::default() };
        let mut outputs = Outputs::default();
        for op in instance.probe(&facts) {
            let output = machine.answer(&op);
            outputs.push(op, Arc::new(output));
        }
        assert!(matches!(instance.interpret(&outputs, &facts), Interpreted::Known(())));
        instance.compare(Phase::Before);
        let shadow: Vec<String> = instance.predict(&outputs).shadow.iter().map(ToString::to_string).collect();
        let link = "symlink /etc/systemd/system/multi-user.target.wants/app.service -> /etc/systemd/system/app.service";
        assert_eq!(shadow, [link]);
    }

    #[test]
    fn a_bus_error_is_unknown() {
        let machine = Machine { show: "", ..Machine::default() };
        let seen = machine.plan(&systemd_unit::DECL, &[("unit", "app.service"), ("content", UNIT)]);
        assert_eq!(seen, ["unknown: systemctl show does not answer for `app.service`"]);
    }
}
