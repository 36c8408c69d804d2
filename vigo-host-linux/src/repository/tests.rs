//! The managers beside apt: what they write, and what they call.

use super::apk::APK;
use super::pacman::PACMAN;
use super::yum::{DNF, ZYPPER};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{FileKind, Metadata, Op, OpOutput, Outputs};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Phase};
use vigo_core::resource::repository::{By, Format, KeySource, Layout, Repository, Want};
use vigo_core::value::Text;

type Files = BTreeMap<String, Vec<u8>>;

const KEY: &str = include_str!("../../tests/fixtures/openpgp/one.asc");

fn want(repo: &str) -> Want {
    Want {
        id: "x".into(),
        present: true,
        repo: Text::plain(repo),
        key: None,
        fingerprints: Vec::new(),
        enabled: true,
        format: Format::Auto,
        gpgcheck: true,
        priority: None,
    }
}

/// Converges once on files in memory; returns the programs that were called.
fn run<T: Layout>(by: &By<T>, want: &Want, files: &mut Files) -> Vec<String> {
    let facts = HostFacts::default();
    assert_eq!(by.check(want, &facts), Ok(()));
    let (kind, context, target) = (FileKind::File, None, None);
    let meta =
        Metadata { kind, mode: 0o644, uid: 0, gid: 0, size: 0, mtime_ms: 0, dev: 1, ino: 1, nlink: 1, target, context };
    let mut outputs = Outputs::default();
    for op in by.probe(want, &facts) {
        let Op::ReadFile { path, .. } = &op else { panic!("{op}") };
        let output = match files.get(path.as_str()) {
            Some(text) => OpOutput::File { meta: meta.clone(), content: text.clone().into() },
            None => OpOutput::Missing,
        };
        outputs.push(op, Arc::new(output));
    }
    let Interpreted::Known(state) = by.interpret(want, &outputs, &facts) else { panic!("not known") };
    let c = Repository::compare(want, &state, Phase::Before);
    assert_eq!(c.failure, None);
    let mut calls = Vec::new();
    for op in by.lower(want, &state, &c.actions, &facts).unwrap() {
        match &op {
            Op::ReplaceFile(r) => {
                files.insert(r.path.to_string(), r.content.bytes().unwrap().to_vec());
            }
            Op::Remove { path, .. } => {
                files.remove(path.as_str());
            }
            other => calls.push(other.to_string()),
        }
    }
    calls
}

/// Converges, again, and without it; nothing may be left.
fn comes_and_goes<T: Layout>(by: &By<T>, want: &Want, path: &str, before: Option<&str>, after: &str, calls: &[&str]) {
    let files_before: Files = before.map(|text| (path.to_string(), text.as_bytes().to_vec())).into_iter().collect();
    let mut files = files_before.clone();
    assert_eq!(run(by, want, &mut files), calls);
    assert_eq!(files.get(path).map(|b| core::str::from_utf8(b).unwrap()), Some(after));
    let settled = files.clone();
    assert_eq!(run(by, want, &mut files), Vec::<String>::new());
    assert_eq!(files, settled);
    run(by, &Want { present: false, key: None, ..want.clone() }, &mut files);
    assert_eq!(files, files_before);
}

#[test]
fn dnf_and_zypper_write_repo_files() {
    let key = Some(KeySource::Shipped(KEY.as_bytes().into()));
    let keyed = Want { key, priority: Some(10), ..want("https://a.org/rpm/$releasever") };
    comes_and_goes(
        &DNF,
        &keyed,
        "/etc/yum.repos.d/x.repo",
        None,
        "[x]\nname=x\nbaseurl=https://a.org/rpm/$releasever\nenabled=1\ngpgcheck=1\n\
         gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-vigo-x\npriority=10\n",
        &["/usr/bin/dnf -q -y '--disablerepo=*' --enablerepo=x makecache"],
    );
    comes_and_goes(
        &ZYPPER,
        &keyed,
        "/etc/zypp/repos.d/x.repo",
        None,
        "[x]\nname=x\nbaseurl=https://a.org/rpm/$releasever\nenabled=1\ngpgcheck=1\nautorefresh=1\n\
         gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-vigo-x\npriority=10\n",
        &["/usr/bin/rpm --import /etc/pki/rpm-gpg/RPM-GPG-KEY-vigo-x", "/usr/bin/zypper --non-interactive refresh x"],
    );
}

#[test]
fn rpm_gets_its_key_in_armor() {
    let path = "/etc/pki/rpm-gpg/RPM-GPG-KEY-vigo-x";
    let binary = vigo_core::resource::repository::Keys::read(KEY.as_bytes()).unwrap().binary;
    for source in [KEY.as_bytes().into(), binary.clone()] {
        let keyed = Want { key: Some(KeySource::Shipped(source)), ..want("https://a.org/rpm") };
        let mut files = Files::new();
        run(&ZYPPER, &keyed, &mut files);
        assert_eq!(files.get(path).map(|b| core::str::from_utf8(b).unwrap()), Some(KEY));
        files.insert(path.into(), binary.to_vec());
        assert!(!run(&ZYPPER, &keyed, &mut files).is_empty(), "one without armor is replaced and imported");
        assert_eq!(files[path], KEY.as_bytes());
    }
}

#[test]
fn a_whole_repo_file_is_completed() {
    let text = "[a]\nbaseurl=u\nenabled=1\n# note\n\n[b]\nbaseurl=v\ngpgcheck=1\n";
    let off = Want { enabled: false, gpgcheck: false, ..want(text) };
    comes_and_goes(
        &DNF,
        &off,
        "/etc/yum.repos.d/x.repo",
        None,
        "[a]\nbaseurl=u\n# note\nenabled=0\ngpgcheck=0\n\n[b]\nbaseurl=v\ngpgcheck=1\nenabled=0\n",
        &[],
    );
}

#[test]
fn pacman_and_apk_share_a_file_with_others() {
    let id = "29011B6A1D1D58D3C35927C4B9A65451EFFA2333";
    comes_and_goes(
        &PACMAN,
        &Want { key: Some(KeySource::Id(id.into())), ..want("https://a.org/$arch") },
        "/etc/pacman.conf",
        Some("[options]\nA = 1\n"),
        "[options]\nA = 1\n\n[x]\nServer = https://a.org/$arch\n",
        &[
            &*alloc::format!("/usr/bin/pacman-key --recv-keys {id}"),
            &*alloc::format!("/usr/bin/pacman-key --lsign-key {id}"),
            "/usr/bin/pacman --noconfirm -Sy --noprogressbar",
        ],
    );
    comes_and_goes(
        &APK,
        &want("https://a.org/alpine"),
        "/etc/apk/repositories",
        Some("https://b.org/main\n"),
        "https://b.org/main\n# vigo: x\nhttps://a.org/alpine\n",
        &["/sbin/apk --wait 120 update"],
    );
}
