//! `/usr/local/etc/pkg/repos/<id>.conf`, pkg.conf(5).

use super::package;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Ran};
use vigo_core::host::{HostFacts, Problem};
use vigo_core::resource::repository::{By, KeyForm, KeySource, Layout, Want};

/// Sources of pkg(8).
pub(super) struct PkgRepos;

/// The adapter.
pub(super) static REPOS: By<PkgRepos> = By(PkgRepos);

/// The keys of FreeBSD itself, with which a source must be signed that names no other.
const OWN_KEYS: &str = "/usr/share/keys/pkg";

fn key_path(want: &Want) -> AbsPath {
    AbsPath::known("/usr/local/etc/pkg/keys").join(&format!("vigo-{}.pub", want.id))
}

impl Layout for PkgRepos {
    const NAME: &'static str = "pkg";
    // A public key of openssl(1).
    const KEY: KeyForm = KeyForm::Raw;

    fn check(&self, want: &Want) -> Result<(), Problem> {
        let url = want.repo.as_str().trim();
        if url.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"' || c == '\\') {
            let problem = Problem::bad_value("repo", "expected one URL, found something else");
            return Err(problem.help("write the URL alone, such as `pkg+https://pkg.FreeBSD.org/${ABI}/latest`"));
        }
        match &want.key {
            Some(KeySource::Id(_)) => {
                Err(Problem::bad_value("key_url", "expected where the key is, found a fingerprint"))
            }
            Some(_) if !want.gpgcheck => {
                Err(Problem::conflict("key_url", "has no meaning with `gpgcheck: false` on freebsd"))
            }
            _ => Ok(()),
        }
    }

    fn source(&self, want: &Want) -> AbsPath {
        AbsPath::known("/usr/local/etc/pkg/repos").join(&format!("{}.conf", want.id))
    }

    fn key(&self, want: &Want) -> Option<AbsPath> {
        Some(key_path(want))
    }

    fn write(&self, want: &Want, _: Option<&str>) -> Option<String> {
        want.present.then(|| render(want))
    }

    fn refresh(&self, want: &Want, facts: &HostFacts) -> Vec<Command> {
        // What was fetched under the same name from elsewhere, or checked with another key, counts no more.
        let args = ["update", "-f", "-r"].into_iter().map(Arc::from).chain([want.id.clone()]).collect();
        alloc::vec![package::change(facts, args)]
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        package::classify(ran)
    }
}

fn render(want: &Want) -> String {
    let url = want.repo.as_str().trim();
    let mut lines = alloc::vec![format!("url: \"{url}\"")];
    // `pkg+` is found by SRV records; of others there is one server.
    lines.push(format!("mirror_type: \"{}\"", if url.starts_with("pkg+") { "srv" } else { "none" }));
    match (&want.key, want.gpgcheck) {
        (_, false) => lines.push("signature_type: \"none\"".into()),
        (Some(_), true) => {
            lines.extend(["signature_type: \"pubkey\"".into(), format!("pubkey: \"{}\"", key_path(want))]);
        }
        (None, true) => {
            lines.extend(["signature_type: \"fingerprints\"".into(), format!("fingerprints: \"{OWN_KEYS}\"")]);
        }
    }
    lines.extend(want.priority.map(|priority| format!("priority: {priority}")));
    lines.push(format!("enabled: {}", if want.enabled { "yes" } else { "no" }));
    let body: String = lines.iter().map(|line| format!("  {line},\n")).collect();
    // What stands in quotes may hold any character that the id may.
    format!("# managed by vigo\n\"{}\": {{\n{body}}}\n", want.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use vigo_core::action::{Op, OpOutput};
    use vigo_core::host::{Adapter, Family, Interpreted, Phase, ProblemKind, observe};
    use vigo_core::resource::repository::{Format, Repository, State};
    use vigo_core::value::Text;

    fn want() -> Want {
        Want {
            id: "food".into(),
            present: true,
            repo: Text::plain("https://example.org/food"),
            key: None,
            fingerprints: Vec::new(),
            enabled: true,
            format: Format::Auto,
            gpgcheck: true,
            priority: None,
        }
    }

    fn see(want: &Want, source: &OpOutput, key: &OpOutput) -> Interpreted<State> {
        observe(&REPOS, want, &HostFacts::default(), |op| match op {
            Op::ReadFile { path, .. } if path.name().ends_with(".conf") => source.clone(),
            Op::ReadFile { .. } => key.clone(),
            other => panic!("{other}"),
        })
    }

    fn lowered(want: &Want, source: &OpOutput, key: &OpOutput) -> Vec<String> {
        let Interpreted::Known(state) = see(want, source, key) else { panic!() };
        let actions = Repository::compare(want, &state, Phase::Before).actions;
        let ops = REPOS.lower(want, &state, &actions, &HostFacts::default()).unwrap();
        ops.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_source_is_a_file_of_its_own() {
        let shipped = || Some(KeySource::Shipped(b"-----BEGIN PUBLIC KEY-----\n"[..].into()));
        let cases = [
            (
                want(),
                "# managed by vigo\n\"food\": {\n  url: \"https://example.org/food\",\n  mirror_type: \"none\",\n  \
                 signature_type: \"fingerprints\",\n  fingerprints: \"/usr/share/keys/pkg\",\n  enabled: yes,\n}\n",
            ),
            (
                Want { key: shipped(), priority: Some(10), enabled: false, ..want() },
                "# managed by vigo\n\"food\": {\n  url: \"https://example.org/food\",\n  mirror_type: \"none\",\n  \
                 signature_type: \"pubkey\",\n  pubkey: \"/usr/local/etc/pkg/keys/vigo-food.pub\",\n  priority: 10,\n  \
                 enabled: no,\n}\n",
            ),
            (
                Want { gpgcheck: false, repo: Text::plain("pkg+https://example.org/${ABI}"), ..want() },
                "# managed by vigo\n\"food\": {\n  url: \"pkg+https://example.org/${ABI}\",\n  mirror_type: \"srv\",\n  \
                 signature_type: \"none\",\n  enabled: yes,\n}\n",
            ),
        ];
        for (want, text) in cases {
            assert_eq!(PkgRepos.write(&want, None).as_deref(), Some(text));
            assert!(PkgRepos.check(&want).is_ok());
        }
    }

    #[test]
    fn the_key_is_written_first_and_the_catalogue_is_fetched_anew() {
        let want = Want { key: Some(KeySource::Shipped(b"key\n"[..].into())), ..want() };
        let ops = lowered(&want, &OpOutput::Missing, &OpOutput::Missing);
        assert!(ops[0].starts_with("write /usr/local/etc/pkg/keys/vigo-food.pub"), "{ops:?}");
        assert!(ops[1].starts_with("write /usr/local/etc/pkg/repos/food.conf"), "{ops:?}");
        assert_eq!(ops[2..], ["pkg update -f -r food"]);
        let written = OpOutput::file(&PkgRepos.write(&want, None).unwrap());
        assert!(lowered(&want, &written, &OpOutput::file("key\n")).is_empty(), "in sync");
        let absent = Want { present: false, ..want };
        let gone = lowered(&absent, &written, &OpOutput::file("key\n"));
        assert_eq!(gone, ["remove /usr/local/etc/pkg/repos/food.conf", "remove /usr/local/etc/pkg/keys/vigo-food.pub"]);
        assert!(lowered(&absent, &OpOutput::Missing, &OpOutput::Missing).is_empty());
    }

    #[test]
    fn what_pkg_does_not_take_is_refused_when_the_plan_is_made() {
        let facts = HostFacts::default();
        let id = Some(KeySource::Id("29011B6A1D1D58D3C35927C4B9A65451EFFA2333".into()));
        let key = Some(KeySource::Shipped(b"key"[..].into()));
        let cases = [
            ("two words", Want { repo: Text::plain("https://a b"), ..want() }, ProblemKind::BadValue),
            ("a quote", Want { repo: Text::plain("https://a\""), ..want() }, ProblemKind::BadValue),
            ("a fingerprint as key", Want { key: id, ..want() }, ProblemKind::BadValue),
            ("a key for nothing", Want { key, gpgcheck: false, ..want() }, ProblemKind::ConflictingAttributes),
            ("a fingerprint", Want { fingerprints: alloc::vec!["A".into()], ..want() }, ProblemKind::Unsupported),
        ];
        for (name, want, kind) in cases {
            assert_eq!(REPOS.check(&want, &facts).map_err(|p| p.kind), Err(kind), "{name}");
        }
    }

    #[test]
    fn a_source_that_cannot_be_read_is_unknown() {
        let bytes = OpOutput::Stat(match OpOutput::file("") {
            OpOutput::File { meta, .. } => meta,
            _ => panic!(),
        });
        assert!(matches!(see(&want(), &bytes, &OpOutput::Missing), Interpreted::Unknown(_)));
        assert!(matches!(see(&want(), &OpOutput::Missing, &bytes), Interpreted::Unknown(_)));
    }
}
