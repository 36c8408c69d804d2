//! Secrets of a Vault or OpenBao: version 2 of its key-value engine, over HTTPS.

use super::source::NotHad;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use vigo_core::limits::SECRET_BYTES_MAX;
use vigo_core::secret::SecretValue;
use vigo_driver::system_text;

/// How long one answer may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Bytes of an answer: a secret of a few fields.
const ANSWER_BYTES_MAX: u64 = 8 * SECRET_BYTES_MAX as u64;

/// Bytes of a token.
const TOKEN_BYTES_MAX: u64 = 4096;

/// The field of a secret whose path has one part only.
const FIELD: &str = "value";

/// Where the secrets are, and how they are asked for.
#[derive(Clone, Debug)]
pub(super) struct KeyValue {
    pub(super) url: String,
    pub(super) mount: String,
    /// Read anew for each question: who rotates it tells nobody.
    pub(super) token_file: PathBuf,
    /// The authorities that are believed; the system's where there is none.
    pub(super) ca_file: Option<PathBuf>,
}

impl KeyValue {
    /// Asks for the secret at `path`: its last part is the field.
    pub(super) fn fetch(&self, path: &str) -> Result<SecretValue, NotHad> {
        let (place, field) = path.rsplit_once('/').unwrap_or((path, FIELD));
        let token = token(&self.token_file).map_err(NotHad::Down)?;
        let url = format!("{}/v1/{}/data/{place}", self.url.trim_end_matches('/'), self.mount.trim_matches('/'));
        let (status, body) = self.ask(&url, &token).map_err(NotHad::Down)?;
        match status {
            200 => {}
            404 => return Err(NotHad::Unknown),
            403 => {
                return Err(NotHad::Refused(
                    "the answer is 403: the token in `secrets.token_file` may not read it".into(),
                ));
            }
            status @ 500.. => return Err(NotHad::Down(format!("the answer is {status}, expected 200"))),
            status => return Err(NotHad::Refused(format!("the answer is {status}, expected 200"))),
        }
        // The error would quote what it does not understand.
        let answer: Answer = serde_json::from_str(body.reveal())
            .map_err(|_| NotHad::Refused("the answer is not one of a key-value engine, version 2".into()))?;
        match answer.data.data.into_iter().find(|(name, _)| name == field) {
            None => Err(NotHad::Unknown),
            Some((_, Value::Text(value))) if value.reveal().len() > SECRET_BYTES_MAX => {
                Err(NotHad::Refused(format!("its value has more than {SECRET_BYTES_MAX} bytes")))
            }
            Some((_, Value::Text(value))) => Ok(value),
            Some((_, Value::Else)) => Err(NotHad::Refused(format!("field `{field}` is no text, number or boolean"))),
        }
    }

    fn ask(&self, url: &str, token: &SecretValue) -> Result<(u16, SecretValue), String> {
        let tls = TlsConfig::builder()
            .root_certs(self.roots()?)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            // A token goes to whom it was given for, and no further.
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(DEADLINE))
            .user_agent("vigosrv")
            .build();
        let request = ureq::Agent::new_with_config(config).get(url).header("X-Vault-Token", token.reveal());
        let mut response = request.call().map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        Ok((status, SecretValue::new(body.map_err(|error| error.to_string())?)))
    }

    fn roots(&self) -> Result<RootCerts, String> {
        let pem = match &self.ca_file {
            Some(path) => {
                std::fs::read(path).map_err(|e| format!("cannot read `{}`: {}", path.display(), system_text(e)))?
            }
            None if self.url.starts_with("http://") => Vec::new(),
            None => vigo_driver::trusted_certificates()?,
        };
        let certificates = ureq::tls::parse_pem(&pem).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        Ok(certificates.collect::<Vec<Certificate<'static>>>().into())
    }
}

/// Reads a token that nobody else may read.
fn token(path: &Path) -> Result<SecretValue, String> {
    let failed = |e: std::io::Error| format!("cannot read `{}`: {}", path.display(), system_text(e));
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(format!("the mode of `{}` is {mode:04o}, expected 0600", path.display()));
    }
    let mut text = String::new();
    file.take(TOKEN_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    let text = SecretValue::new(text);
    let token = text.reveal().trim();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!("expected a token in `{}`, a word of ASCII characters", path.display()));
    }
    Ok(SecretValue::new(token.into()))
}

#[derive(Deserialize)]
struct Answer {
    data: Versioned,
}

#[derive(Deserialize)]
struct Versioned {
    data: BTreeMap<String, Value>,
}

/// The value of a field. Each text is overwritten when it is dropped.
enum Value {
    Text(SecretValue),
    Else,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(SecretValue::new(text.into())))
            }

            fn visit_string<E>(self, text: String) -> Result<Value, E> {
                Ok(Value::Text(SecretValue::new(text)))
            }

            fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
                Ok(Value::Text(SecretValue::new(b.to_string())))
            }

            fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
                Ok(Value::Text(SecretValue::new(n.to_string())))
            }

            fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
                Ok(Value::Text(SecretValue::new(n.to_string())))
            }

            fn visit_f64<E>(self, x: f64) -> Result<Value, E> {
                Ok(Value::Text(SecretValue::new(x.to_string())))
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Else)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Else)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Else)
            }
        }
        from.deserialize_any(Visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Mutex;

    /// A folder with a token, and an engine at `url`.
    struct Rig {
        dir: PathBuf,
        engine: KeyValue,
    }

    impl Rig {
        fn new(name: &str, url: String) -> Self {
            let dir = std::env::temp_dir().join(format!("vigosrv-kv-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(&dir).unwrap();
            let token_file = dir.join("token");
            fs::write(&token_file, "s.Token-7Qx\n").unwrap();
            fs::set_permissions(&token_file, Permissions::from_mode(0o600)).unwrap();
            Self { dir, engine: KeyValue { url, mount: "kv/app".into(), token_file, ca_file: None } }
        }
    }

    impl Drop for Rig {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }

    fn head(stream: &mut impl std::io::Read) -> String {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    fn answer(stream: &mut impl std::io::Write, status: &str, body: &str) {
        let len = body.len();
        // Who has hung up does not want it.
        let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{body}");
    }

    /// Answers each question by what `say` makes of its path.
    fn serve(say: fn(&str) -> (&'static str, String)) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heads = asked.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let head = head(&mut stream);
                let (status, body) = say(head.split(' ').nth(1).unwrap_or_default());
                heads.lock().unwrap().push(head);
                answer(&mut stream, status, &body);
            }
        });
        (url, asked)
    }

    fn of_fields(fields: &str) -> String {
        format!(r#"{{"request_id": "x", "data": {{"data": {fields}, "metadata": {{"version": 3}}}}, "auth": null}}"#)
    }

    #[test]
    fn the_last_part_of_a_path_is_the_field() {
        let (url, asked) = serve(|path| match path {
            "/v1/kv/app/data/db/main" => {
                ("200 OK", of_fields(r#"{"password": "hunt\"er2", "port": 5432, "tls": true, "more": {"a": [1]}}"#))
            }
            "/v1/kv/app/data/token" => ("200 OK", of_fields(r#"{"value": "t"}"#)),
            _ => ("404 Not Found", r#"{"errors": []}"#.into()),
        });
        let rig = Rig::new("field", url);
        let cases = [
            ("db/main/password", Ok("hunt\"er2")),
            ("db/main/port", Ok("5432")),
            ("db/main/tls", Ok("true")),
            ("token", Ok("t")),
            ("db/main/more", Err(NotHad::Refused("field `more` is no text, number or boolean".into()))),
            ("db/main/none", Err(NotHad::Unknown)),
            ("db/none/password", Err(NotHad::Unknown)),
        ];
        for (path, expected) in cases {
            let seen = rig.engine.fetch(path);
            assert_eq!(seen.as_ref().map(SecretValue::reveal), expected.as_ref().copied(), "{path}");
        }
        let asked = asked.lock().unwrap();
        assert!(
            asked.iter().all(|head| head.to_lowercase().contains("\r\nx-vault-token: s.token-7qx\r\n")),
            "{asked:?}"
        );
    }

    #[test]
    fn no_error_shows_an_answer_or_the_token() {
        let (url, asked) = serve(|path| match path.rsplit('/').next().unwrap_or_default() {
            "denied" => ("403 Forbidden", r#"{"errors": ["hunter2"]}"#.into()),
            "sealed" => ("503 Service Unavailable", r#"{"errors": ["hunter2"]}"#.into()),
            "elsewhere" => ("307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/", "hunter2".into()),
            "first" => ("200 OK", r#"{"data": {"password": "hunter2"}}"#.into()),
            "long" => ("200 OK", of_fields(&format!(r#"{{"x": "{}"}}"#, "hunter2".repeat(10_000)))),
            "huge" => ("200 OK", "hunter2".repeat(200_000)),
            _ => ("200 OK", "hunter2".into()),
        });
        let rig = Rig::new("errors", url);
        let cases = [
            ("denied", false, "403"),
            ("sealed", true, "503"),
            ("elsewhere", false, "307"),
            ("first", false, "version 2"),
            ("long", false, "more than 65536 bytes"),
            ("huge", true, ""),
            ("no-json", false, "version 2"),
        ];
        for (place, is_down, expected) in cases {
            let why = rig.engine.fetch(&format!("{place}/x")).unwrap_err();
            let shown = format!("{why:?}");
            assert!(
                shown.contains(expected) && !shown.contains("hunter2") && !shown.contains("7Qx"),
                "{place}: {shown}"
            );
            assert_eq!(matches!(why, NotHad::Down(_)), is_down, "{place}: {shown}");
        }
        assert_eq!(asked.lock().unwrap().len(), cases.len(), "nobody follows a redirect");
    }

    #[test]
    fn a_token_that_others_may_read_or_that_is_none_is_not_sent() {
        let (url, asked) = serve(|_| ("404 Not Found", String::new()));
        let rig = Rig::new("token", url);
        let down = || match rig.engine.fetch("a/b") {
            Err(NotHad::Down(why)) => why,
            other => panic!("{other:?}"),
        };
        let write = |text: &str| fs::write(&rig.engine.token_file, text).unwrap();
        fs::set_permissions(&rig.engine.token_file, Permissions::from_mode(0o640)).unwrap();
        assert!(down().contains("0640, expected 0600"), "{}", down());
        fs::set_permissions(&rig.engine.token_file, Permissions::from_mode(0o600)).unwrap();
        for text in ["", "\n", "two words", "a\r\nHost: b", "tökən"] {
            write(text);
            assert!(down().contains("expected a token"), "{text:?}");
        }
        fs::remove_file(&rig.engine.token_file).unwrap();
        assert!(down().contains("cannot read"), "{}", down());
        assert_eq!(asked.lock().unwrap().len(), 0);
    }

    #[test]
    fn an_authority_that_is_not_believed_gets_no_token() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
        let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let session = rustls::ServerConnection::new(Arc::new(config.clone())).unwrap();
                let mut stream = rustls::StreamOwned::<_, TcpStream>::new(session, stream);
                if head(&mut stream).contains("s.Token-7Qx") {
                    answer(&mut stream, "200 OK", &of_fields(r#"{"b": "over tls"}"#));
                }
            }
        });
        let mut rig = Rig::new("tls", url);
        let why = rig.engine.fetch("a/b").unwrap_err();
        assert!(matches!(&why, NotHad::Down(why) if why.contains("certificate")), "{why:?}");
        let ca = rig.dir.join("ca.pem");
        fs::write(&ca, certificate.pem()).unwrap();
        rig.engine.ca_file = Some(ca);
        assert_eq!(rig.engine.fetch("a/b").as_ref().map(SecretValue::reveal), Ok("over tls"));
    }
}
