//! The template language beyond Go's: helper functions, missing keys, secrets, limits, checks, messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use vigo_core::limits::TEMPLATE_OUTPUT_BYTES_MAX;
use vigo_core::template::{
    ErrorKind, Field, Names, NoSecrets, Rendered, Scope, Template, TemplateError, Unknown, functions, has_template,
};
use vigo_core::value::{Text, Value};

fn vars() -> Value {
    let version = Value::map([("major", Value::Int(12)), ("codename", "bookworm".into())]);
    Value::map([
        ("name", "web-03".into()),
        ("port", Value::Int(8080)),
        ("ratio", Value::Float(0.5)),
        ("on", true.into()),
        ("none", Value::Null),
        ("empty", "".into()),
        ("tags", Value::list(["b", "a", "b"].map(Value::from))),
        ("nums", Value::list([3, 1, 3].map(Value::from))),
        ("nothing", Value::list([])),
        ("version", version),
        ("text", "one\ntwo\n".into()),
        ("dsn", Value::Text(Text::secret("postgres://u:p%40ss@db", "db/dsn"))),
        ("pin", Value::Text(Text::secret("4711", "door/pin"))),
        ("creds", Value::map([("user", "admin".into()), ("pass", Value::Text(Text::secret("hunter2", "db/pass")))])),
    ])
}

fn secrets() -> BTreeMap<Arc<str>, Text> {
    BTreeMap::from([("vigo/api".into(), Text::secret("t0ken", "vigo/api"))])
}

fn with_scope<T>(use_it: impl FnOnce(&Scope<'_>) -> T) -> T {
    let (vars, secrets) = (vars(), secrets());
    let os = Value::map([("family", "debian".into()), ("kernel", Value::Null)]);
    let traits = Value::map([("os", os), ("selinux", Value::Null)]);
    let envoy = Value::map([("Hostname", "web-03.acme.com".into())]);
    let scope = Scope::new(&secrets);
    use_it(&scope.with(Field::Vars, &vars).with(Field::Traits, &traits).with(Field::Envoy, &envoy))
}

fn render(template: &str) -> Result<Rendered, TemplateError> {
    with_scope(|scope| Template::parse(template)?.render(scope))
}

fn value(template: &str) -> Result<Value, TemplateError> {
    with_scope(|scope| Template::parse(template)?.render_value(scope))
}

fn check_table(cases: &[(&str, &str)]) {
    for (template, expected) in cases {
        let rendered = render(template).map(|r| r.text.as_str().to_owned()).unwrap_or_else(|e| format!("error {e}"));
        assert_eq!(rendered, *expected, "{template}");
    }
}

#[test]
fn helpers_take_their_arguments_in_sprigs_order() {
    check_table(&[
        ("{{ add 1 2 3 }} {{ 1 | add 2 }} {{ add \"40\" 2 }}", "6 3 42"),
        ("{{ sub 5 3 }} {{ mul 2 3 4 }} {{ div 7 2 }} {{ mod 7 2 }} {{ div -7 2 }} {{ mod -7 2 }}", "2 24 3 1 -3 -1"),
        ("{{ int \"42\" }} {{ int 3.9 }} {{ int -3.9 }} {{ int true }} {{ int \"3.7\" }}", "42 3 -3 1 3"),
        (
            "{{ b64enc \"hello\" }} {{ b64enc \"\" }}| {{ b64enc \"a\" }} {{ b64dec \"aGVsbG8=\" }}",
            "aGVsbG8= | YQ== hello",
        ),
        ("{{ coalesce .Vars.nope .Vars.empty .Vars.name }}", "web-03"),
        ("{{ contains \"eb\" .Vars.name }} {{ .Vars.name | contains \"x\" }}", "true false"),
        ("{{ hasPrefix \"web\" .Vars.name }} {{ hasSuffix \"web\" .Vars.name }}", "true false"),
        ("{{ default 80 .Vars.nope }} {{ .Vars.nope | default 80 }} {{ .Vars.port | default 80 }}", "80 80 8080"),
        ("{{ .Vars.a.b.c | default \"x\" }} {{ default \"x\" (.Vars.nope) }} {{ default \"x\" .Vars.empty }}", "x x x"),
        ("{{ default \"x\" .Vars.nothing }} {{ default \"x\" nil }} {{ default \"x\" 0 }}", "x x x"),
        ("{{ empty .Vars.nope }} {{ empty .Vars.name }} {{ .Vars.none | empty }}", "true false true"),
        ("{{ required \"no port\" .Vars.port }} {{ .Vars.name | required \"no name\" }}", "8080 web-03"),
        ("{{ required \"x\" 0 }} {{ required \"x\" false }}", "0 false"),
        ("{{ hasKey .Vars \"port\" }} {{ hasKey .Vars \"nope\" }}", "true false"),
        ("{{ lookup .Vars \"nope\" \"port\" \"name\" }}", "8080"),
        (
            "{{ upper \"aé\" }} {{ lower \"AÉ\" }} {{ title \"hello wörld foo_bar it's\" }}",
            "AÉ aé Hello Wörld Foo_bar It'S",
        ),
        ("[{{ trim \" a \\n\" }}] [{{ trimAll \"-/\" \"--a/b-\" }}]", "[a] [a/b]"),
        ("{{ trimLeft \"-\" \"--a-\" }} {{ trimRight \"-\" \"--a--\" }}", "a- --a"),
        (
            "{{ trimPrefix \"v\" \"v2\" }} {{ trimSuffix \".gz\" \"a.tar.gz\" }} {{ trimPrefix \"x\" \"v2\" }}",
            "2 a.tar v2",
        ),
        (
            "{{ replace \"-\" \"_\" \"a-b-c\" }} {{ \"aaa\" | replace \"a\" \"\" }}|{{ replace \"\" \"-\" \"ab\" }}",
            "a_b_c |-a-b-",
        ),
        ("{{ split \",\" \"a,b,,c\" }} {{ len (split \",\" \"\") }} {{ split \"\" \"aé\" }}", "[a b  c] 1 [a é]"),
        ("{{ join \", \" .Vars.tags }} {{ .Vars.nums | join \"+\" }} {{ join \",\" \"x\" }}", "b, a, b 3+1+3 x"),
        ("{{ quote \"a\\\"b\" 5 nil true }} {{ squote \"a\" 5 nil }}", "\"a\\\"b\" \"5\" \"true\" 'a' '5'"),
        ("{{ indent 2 \"a\\nb\" }}|{{ nindent 2 \"a\\n\\nb\" }}", "  a\n  b|\n  a\n  \n  b"),
        (
            "{{ list 1 \"a\" true }} {{ len (list) }} {{ dict \"b\" 1 \"a\" (list 2) }} {{ (dict \"k\" \"v\").k }}",
            "[1 a true] 0 map[a:[2] b:1] v",
        ),
        (
            "{{ keys .Vars.version }} {{ keys .Vars.version (dict \"x\" 1 \"major\" 2) }}",
            "[codename major] [codename major x]",
        ),
        (
            "{{ sortAlpha .Vars.tags }} {{ sortAlpha (list 10 9 \"a\") }} {{ uniq .Vars.tags }} {{ uniq .Vars.nums }}",
            "[a b b] [10 9 a] [b a] [3 1]",
        ),
        ("{{ first .Vars.tags }} {{ last .Vars.nums }} {{ first .Vars.nothing | default \"-\" }}", "b 3 -"),
        ("{{ sha256sum \"\" }}", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (
            "{{ toJson .Vars.version }} {{ toJson (list 1.5 nil \"<a>&\\n\" 1e21 1e-7 100.0) }}",
            "{\"codename\":\"bookworm\",\"major\":12} [1.5,null,\"<a>&\\n\",1e+21,1e-7,100]",
        ),
        (
            "{{ toYaml (dict \"l\" (list 1 (dict \"x\" \"yes\" \"y\" (list)) (list \"a\")) \"m\" (dict \"k\" \"v: w\") \"t\" \"a\\nb\\n\" \"e\" \"\") }}",
            "e: ''\nl:\n- 1\n- x: 'yes'\n  'y': []\n- - a\nm:\n  k: 'v: w'\nt: |\n  a\n  b",
        ),
    ]);
}

#[test]
fn helpers_say_what_is_wrong_with_their_arguments() {
    check_table(&[
        ("{{ add 1 1.5 }}", "error 1:4: error calling `add`: `1.5` is no whole number"),
        ("{{ add 1 \"x\" }}", "error 1:4: error calling `add`: `x` is no whole number"),
        ("{{ add 9223372036854775807 1 }}", "error 1:4: error calling `add`: integer overflow"),
        ("{{ div 1 0 }}", "error 1:4: error calling `div`: division by zero"),
        ("{{ div -9223372036854775808 -1 }}", "error 1:4: error calling `div`: integer overflow"),
        ("{{ int \"x\" }}", "error 1:4: error calling `int`: `x` is no number"),
        ("{{ upper 5 }}", "error 1:4: error calling `upper`: wrong type for value; expected string; got int `5`"),
        ("{{ b64dec \"a\" }}", "error 1:4: error calling `b64dec`: `a` is no Base64"),
        ("{{ b64dec \"/w==\" }}", "error 1:4: error calling `b64dec`: Base64 `/w==` holds no UTF-8"),
        ("{{ dict \"a\" }}", "error 1:4: error calling `dict`: last key has no value"),
        ("{{ dict 1 2 }}", "error 1:4: error calling `dict`: wrong type for value; expected string; got int `1`"),
        ("{{ required \"set port, please\" .Vars.nope }}", "error 1:4: set port, please"),
        ("{{ .Vars.empty | required \"set port\" }}", "error 1:18: set port"),
        (
            "{{ hasKey .Vars.name \"x\" }}",
            "error 1:4: error calling `hasKey`: wrong type for value; expected map; got string `web-03`",
        ),
        ("{{ first .Vars.nothing }}", "error 1:4: `first .Vars.nothing` is null"),
        (
            "{{ indent -1 \"x\" }}",
            "error 1:4: error calling `indent`: can't indent by -1 blanks; at least 0, at most 1000",
        ),
        ("{{ join \",\" (list 1 nil) }}", "error 1:4: error calling `join`: item 1 of the list is null"),
        ("{{ toJson (dict \"a\" (div 1 1)) | trim | nosuch }}", "error 1:41: function `nosuch` not defined"),
        ("{{ replace \"a\" \"b\" }}", "error 1:4: wrong number of args for `replace`: want 3 got 2"),
        ("{{ .Vars.port | default }}", "error 1:17: wrong number of args for `default`: want 2 got 1"),
        ("{{ slice .Vars.tags 1 2 3 4 }}", "error 1:4: wrong number of args for `slice`: want at most 4 got 5"),
        ("{{ secret \"nope\" }}", "error 1:4: secret `nope`: it is not available"),
    ]);
    let kind = |template| render(template).unwrap_err().kind;
    assert_eq!(kind("{{ secret \"nope\" }}"), ErrorKind::Secret);
    assert_eq!(kind("{{ div 1 0 }}"), ErrorKind::Value);
    assert_eq!(kind("{{ nosuch }}"), ErrorKind::Name);
    assert_eq!(kind("{{ end }}"), ErrorKind::Syntax);
}

#[test]
fn what_is_missing_or_null_is_an_error_where_it_is_printed() {
    check_table(&[
        ("{{ .Vars.prot }}", "error 1:9: map has no entry for key `prot`"),
        ("{{ if .Vars.nope }}x{{ end }}", "error 1:12: map has no entry for key `nope`"),
        ("{{ .Vars.none }}", "error 1:4: `.Vars.none` is null"),
        ("{{ index .Vars \"nope\" }}", "error 1:4: `index .Vars \"nope\"` is null"),
        ("{{ .Item }}", "error 1:4: map has no entry for key `Item`"),
        ("{{ .Vars.name.x | default 1 }}", "error 1:14: can't evaluate field `x` in type string"),
        ("{{ default .Vars.nope 1 }}", "error 1:17: map has no entry for key `nope`"),
        ("{{ upper .Vars.nope | default 1 }}", "error 1:15: map has no entry for key `nope`"),
        ("{{ with .Vars.none }}a{{ else }}b{{ end }}", "b"),
        // Traits that this system lacks are null.
        ("{{ if .Traits.selinux.enabled }}a{{ else }}b{{ end }}", "b"),
        ("{{ if .Traits.os.kernel }}a{{ else }}b{{ end }}{{ with .Traits.os }}{{ if .nope }}c{{ end }}{{ end }}", "b"),
        ("{{ $t := .Traits }}{{ if $t.a.b.c }}a{{ else }}b{{ end }}", "b"),
        ("{{ range .Traits.interfaces }}a{{ else }}b{{ end }}", "b"),
        ("{{ .Traits.os.family }}", "debian"),
        ("{{ .Traits.os.kernel }}", "error 1:4: `.Traits.os.kernel` is null"),
        ("{{ .Traits.virtual.kind }}", "error 1:4: `.Traits.virtual.kind` is null"),
        ("{{ .Traits.os.kernel | default \"none\" }}", "none"),
        ("{{ .Envoy.Hostname }} {{ .Envoy.Nope }}", "error 1:32: map has no entry for key `Nope`"),
    ]);
    let error = render("{{ .Vars.prot }}").unwrap_err();
    assert_eq!(error.help.as_deref(), Some("did you mean `port`?"));
    for (template, help) in [
        ("{{ .port }}", "write `.Vars.port`"),
        ("{{ .Item.x }}", "use `.Item` in a resource or crate with `foreach`"),
        ("{{ .Envoi }}", "did you mean `Envoy`?"),
    ] {
        assert_eq!(render(template).unwrap_err().help.as_deref(), Some(help), "{template}");
    }
}

#[test]
fn the_root_is_a_map_where_it_is_wanted_whole() {
    check_table(&[
        ("{{ range $k, $v := . }}{{ $k }} {{ end }}", "Envoy Traits Vars "),
        ("{{ len . }} {{ (index . \"Vars\").port }} {{ hasKey . \"Item\" }}", "3 8080 false"),
        ("{{ define \"x\" }}{{ .Vars.port }}{{ $.Vars.name }}{{ end }}{{ template \"x\" . }}", "8080web-03"),
        ("{{ with . }}{{ .Vars.port }}{{ end }}{{ $r := . }}{{ $r.Vars.port }}", "80808080"),
        ("{{ toJson (dict \"e\" .).e.Envoy }}", "{\"Hostname\":\"web-03.acme.com\"}"),
        ("{{ toJson (dict \"e\" .Envoy).e }}", "{\"Hostname\":\"web-03.acme.com\"}"),
    ]);
}

#[test]
fn what_is_made_of_a_secret_is_marked() {
    // Template, what it prints with its secrets masked.
    let cases = [
        ("dsn={{ .Vars.dsn }};", "dsn=«secret db/dsn»;"),
        ("{{ secret \"vigo/api\" }}", "«secret vigo/api»"),
        ("{{ \"vigo/api\" | secret | b64enc }}", "«secret vigo/api»"),
        ("{{ .Vars.dsn | b64enc | upper | quote }} {{ .Vars.port }}", "«secret db/dsn» 8080"),
        ("{{ printf \"%s-%d\" .Vars.pin 5 }}", "«secret door/pin»"),
        (
            "{{ int .Vars.pin }} {{ add 1 (int .Vars.pin) }} {{ add 1 .Vars.pin }}",
            "«secret door/pin» «secret door/pin» «secret door/pin»",
        ),
        ("{{ printf \"%s%s\" .Vars.pin .Vars.dsn }}", "«secret door/pin, db/dsn»"),
        (
            "{{ range split \"\" .Vars.pin }}{{ . }}{{ end }}",
            "«secret door/pin»«secret door/pin»«secret door/pin»«secret door/pin»",
        ),
        ("{{ range $i, $c := split \"7\" .Vars.pin }}{{ $c }}{{ end }}", "«secret door/pin»«secret door/pin»"),
        ("{{ .Vars.creds }} {{ .Vars.creds.user }} {{ .Vars.creds.pass }}", "«secret db/pass» admin «secret db/pass»"),
        ("{{ toJson .Vars.creds }}{{ toYaml .Vars.creds }}", "«secret db/pass»«secret db/pass»"),
        ("{{ $x := .Vars.pin }}{{ $x }}{{ with .Vars.pin }}{{ . }}{{ end }}", "«secret door/pin»«secret door/pin»"),
        (
            "{{ list 1 .Vars.pin }} {{ first (list .Vars.pin 1) }} {{ last (list .Vars.pin 1) }}",
            "«secret door/pin» «secret door/pin» 1",
        ),
        ("{{ keys (dict .Vars.pin 1) }} {{ first (keys (dict .Vars.pin 1)) }}", "«secret door/pin» «secret door/pin»"),
        ("{{ range $k, $v := dict .Vars.pin 1 }}{{ $k }}{{ end }}", "«secret door/pin»"),
        ("{{ index .Vars.pin 0 }} {{ slice .Vars.pin 0 2 }}", "«secret door/pin» «secret door/pin»"),
        (
            "{{ index (list .Vars.pin) 0 }} {{ default \"x\" .Vars.pin }} {{ or \"\" .Vars.pin }}",
            "«secret door/pin» «secret door/pin» «secret door/pin»",
        ),
        ("{{ range (int .Vars.pin) }}{{ . }}{{ break }}{{ end }}", "«secret door/pin»"),
        ("{{ block \"b\" .Vars.pin }}{{ . }}{{ end }}", "«secret door/pin»"),
        // Yes or no, and how many, is no secret.
        (
            "{{ len .Vars.pin }} {{ eq .Vars.pin \"1\" }} {{ if .Vars.pin }}set{{ end }} {{ empty .Vars.pin }}",
            "4 false set false",
        ),
        ("{{ .Vars.name }}", "web-03"),
    ];
    for (template, expected) in cases {
        let rendered = render(template).unwrap_or_else(|e| panic!("{template}: {e}"));
        assert_eq!(rendered.masked(), expected, "{template}");
        assert_eq!(rendered.text.secret_path().is_some(), expected.contains('«'), "{template}");
        let debug = format!("{rendered:?}");
        assert!(!debug.contains("4711") && !debug.contains("hunter2"), "{debug}");
    }
    let rendered = render("a {{ .Vars.pin }} b {{ .Vars.creds.pass }}").unwrap();
    assert_eq!(rendered.text.as_str(), "a 4711 b hunter2");
    assert_eq!(rendered.text.secret_path().map(|p| &**p), Some("door/pin, db/pass"));
    let texts: Vec<_> = rendered.secret_texts().map(|(text, path)| (text, &**path)).collect();
    assert_eq!(texts, [("4711", "door/pin"), ("hunter2", "db/pass")]);
}

#[test]
fn an_error_never_shows_a_secret() {
    let cases = [
        "{{ int .Vars.dsn }}",
        "{{ b64dec .Vars.dsn }}",
        "{{ b64dec (upper .Vars.dsn) }}",
        "{{ add 1 .Vars.dsn }}",
        "{{ range .Vars.dsn }}{{ end }}",
        "{{ range (index (split \"\" .Vars.dsn) 0) }}{{ end }}",
        "{{ required .Vars.dsn nil }}",
        "{{ hasKey .Vars.dsn \"x\" }}",
        "{{ first .Vars.dsn }}",
        "{{ .Vars.dsn.x }}",
        "{{ index .Vars.tags .Vars.dsn }}",
        "{{ uniq (list .Vars.creds) }}",
        "{{ lt .Vars.dsn 5 }}",
        "{{ secret .Vars.dsn }}",
        "{{ index .Vars.tags (int .Vars.pin) }}",
        "{{ slice .Vars.tags (int .Vars.pin) }}",
        "{{ indent (int .Vars.pin) \"x\" }}",
        "{{ upper (int .Vars.pin) }}",
        "{{ range (first (list (int .Vars.pin))).x }}{{ end }}",
        "{{ int (index (split \"!\" (print \"x\" .Vars.pin)) 0) }}",
    ];
    for template in cases {
        let error = render(template).unwrap_err();
        for secret in ["postgres", "POSTGRES", "4711", "hunter2", "p%40", " p ", "`p`"] {
            assert!(!error.message.contains(secret), "{template}: {error}");
        }
    }
}

#[test]
fn an_attribute_of_one_action_takes_the_value_itself() {
    let tainted = |text: &str, path: &str| Value::Text(Text::secret(text, path));
    let cases = [
        ("{{ .Vars.port }}", Value::Int(8080)),
        ("{{- .Vars.on -}}", true.into()),
        ("{{ .Vars.tags | uniq }}", Value::list(["b", "a"].map(Value::from))),
        ("{{ .Vars.version }}", vars().at("version").unwrap().clone()),
        ("{{ .Vars.ratio }}", Value::Float(0.5)),
        ("{{ .Vars.dsn }}", tainted("postgres://u:p%40ss@db", "db/dsn")),
        ("{{ int .Vars.pin }}", tainted("4711", "door/pin")),
        ("{{ list (int .Vars.pin) }}", Value::list([Value::Int(4711)])),
        ("{{ keys (dict .Vars.pin 1) }}", Value::list([tainted("4711", "door/pin")])),
        ("{{ .Vars.port }}{{ .Vars.on }}", "8080true".into()),
        ("x{{ .Vars.port }}", "x8080".into()),
        ("{{ if .Vars.on }}yes{{ end }}", "yes".into()),
        ("{{ $x := 1 }}", "".into()),
        ("plain", "plain".into()),
    ];
    for (template, expected) in cases {
        let got = value(template).unwrap_or_else(|e| panic!("{template}: {e}"));
        // A list that hides a secret number is compared by what it shows.
        if template.starts_with("{{ list (int") {
            assert!(got.secret_path().is_some(), "{got:?}");
        } else {
            assert_eq!(got, expected, "{template}");
        }
    }
    assert_eq!(value("{{ .Vars.none }}").unwrap_err().message, "`.Vars.none` is null");
    let single = |text: &str| Template::parse(text).unwrap().is_single_action();
    assert!(single("{{ .Vars.x }}") && single("{{- .Vars.x -}}") && single("{{ .a | upper }}"));
    assert!(!single("x") && !single("{{ .a }} ") && !single("{{ $x := 1 }}") && !single("{{ .a }}{{ .b }}"));
    assert!(!single("{{ if .a }}{{ .b }}{{ end }}") && !single("{{/* c */}}{{ .a }}x") && !single(""));
}

#[test]
fn rendering_is_bounded() {
    let deep = format!("{}1{}", "(".repeat(60), ")".repeat(60));
    let blocks = "{{ if 1 }}".repeat(200);
    let arguments = format!("{{{{ list {} }}}}", "1 ".repeat(2000));
    let cases = [
        ("{{ range 100000000 }}x{{ end }}", "template takes more than"),
        ("{{ range 1000 }}{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}{{ end }}", "template takes more than"),
        ("{{ $s := \"xxxxxxxxxxxxxxxx\" }}{{ range 64 }}{{ $s = print $s $s }}{{ end }}", "template"),
        ("{{ range 1000 }}{{ printf \"%1000000d\" 1 }}{{ end }}", "template makes more than"),
        ("{{ define \"r\" }}{{ template \"r\" . }}{{ end }}{{ template \"r\" . }}", "exceeded maximum template depth"),
        ("{{ $l := list }}{{ range 1000 }}{{ $l = list $l }}{{ end }}{{ $l }}", "value is more than 128"),
        ("{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ $l }}", "template takes more than"),
        ("{{ $d := dict }}{{ range 1000 }}{{ $d = dict \"a\" $d }}{{ end }}", "value is more than 128"),
        (
            "{{ $s := printf \"%1000000s\" \"\" }}{{ range 1000 }}{{ if contains \"y\" $s }}{{ end }}{{ end }}",
            "template takes more than",
        ),
        ("{{ $s := printf \"%1000000s\" \"\" }}{{ replace \"\" $s $s }}", "template makes more than"),
        (
            "{{ $s := printf \"%1000000s\" \"\" }}{{ range 1000 }}{{ $x := split \"\" $s }}{{ end }}",
            "template makes more than",
        ),
        (&deep, "more than 48 parentheses"),
        (&blocks, "more than 128 blocks"),
        (&arguments, "more than 1000 arguments"),
    ];
    for (template, expected) in cases {
        let template = if template.starts_with('(') { format!("{{{{ {template} }}}}") } else { template.into() };
        let error = render(&template).unwrap_err();
        assert!(error.message.starts_with(expected), "{}: {error}", template.get(..80).unwrap_or(&template));
        assert_eq!(error.kind, ErrorKind::Limit, "{template}");
    }
    let long = "x".repeat(TEMPLATE_OUTPUT_BYTES_MAX / 4 + 1);
    assert_eq!(Template::parse(long).unwrap_err().kind, ErrorKind::Limit);
}

#[test]
fn all_syntax_errors_are_found_at_once() {
    let text = "{{ if .a }}\n{{ nosuch .b }}\n{{ else }}\n{{ $x }}\n{{ end }}\n{{ end }}\n{{ range }}{{ break }}{{ end }}\n{{ .a-b }}";
    let found: Vec<String> = Template::parse_all(text).iter().map(|e| e.to_string()).collect();
    assert_eq!(
        found,
        [
            "2:4: function `nosuch` not defined",
            "4:4: undefined variable `$x`",
            "6:4: unexpected `end`: no block is open",
            "7:10: missing value for range",
            "8:6: bad character `-`",
        ]
    );
    assert!(Template::parse_all("a {{ .b }} {{ if .c }}{{ end }}").is_empty());
    let many = "{{ end }}".repeat(1000);
    assert_eq!(Template::parse_all(&many).len(), 100);
}

#[test]
fn an_error_says_what_to_write_instead() {
    let cases = [
        ("{{ uper .x }}", "did you mean `upper`?"),
        ("{{ Vars.x }}", "write `.Vars`"),
        ("{{ $port := 1 }}{{ $prot }}", "did you mean `$port`?"),
        ("{{ .Vars.app-tag }}", "write `{{ index … \".app-…\" }}`: a name in a template holds no `-`"),
        ("{{ .a+1 }}", "call a function: there are no operators (`add`, `sub`, `eq`, `lt`, `not` …)"),
        ("{{ .a ", "end the action with `}}`"),
        ("{{ if .a }}", "write `{{ end }}`"),
        ("{{ replace 1 }}", "call it as `replace old new text`"),
        ("{{ template x }}", "give the name of the template in quotes"),
        ("{{ .a | \"x\" }}", "put a function behind the `|`"),
    ];
    for (template, help) in cases {
        let error = Template::parse(template).unwrap_err();
        assert_eq!(error.help.as_deref(), Some(help), "{template}: {error}");
    }
}

/// Knows `.Vars.port`, `.Vars.db.host` and all below `.Traits.custom`; `.Item` is not there.
struct Known;

impl Names for Known {
    fn look(&self, path: &[&str], optional: bool) -> Result<(), Unknown> {
        let known = match path {
            ["Vars" | "Traits" | "Envoy"] | ["Vars", "port"] | ["Vars", "db"] | ["Vars", "db", "host"] => true,
            ["Vars", ..] => optional,
            ["Traits", "os" | "custom", ..] => true,
            _ => false,
        };
        let unknown = || Unknown { message: format!("unknown `.{}`", path.join(".")), help: None };
        if known { Ok(()) } else { Err(unknown()) }
    }
}

#[test]
fn names_are_checked_without_data() {
    let cases: &[(&str, &[&str])] = &[
        ("{{ .Vars.port }} {{ .Vars.db.host }} {{ $.Traits.os.family }}", &[]),
        ("{{ .Vars.prot }} {{ .Vars.db.prot }}", &["1:9: unknown `.Vars.prot`", "1:29: unknown `.Vars.db.prot`"]),
        ("{{ .Item.x }}", &["1:4: unknown `.Item`"]),
        (
            "{{ if .Vars.nope }}{{ .Vars.nope2 }}{{ end }}",
            &["1:12: unknown `.Vars.nope`", "1:28: unknown `.Vars.nope2`"],
        ),
        ("{{ .Vars.nope | default 1 }} {{ coalesce .Vars.a .Vars.b }} {{ empty .Vars.c }}", &[]),
        ("{{ default .Vars.nope 1 }}", &["1:17: unknown `.Vars.nope`"]),
        (
            "{{ if hasKey .Vars \"x\" }}{{ .Vars.x }}{{ else }}{{ .Vars.x }}{{ end }}{{ .Vars.x }}",
            &["1:57: unknown `.Vars.x`", "1:79: unknown `.Vars.x`"],
        ),
        (
            "{{ if not (hasKey .Vars \"x\") }}{{ .Vars.x }}{{ else }}{{ .Vars.x }}{{ end }}",
            &["1:40: unknown `.Vars.x`"],
        ),
        ("{{ if and (hasKey .Vars \"x\") .Vars.x (eq 1 1) }}{{ .Vars.x }}{{ end }}", &[]),
        ("{{ if or (not (hasKey .Vars \"x\")) (eq .Vars.x 1) }}{{ .Vars.x }}{{ end }}", &["1:60: unknown `.Vars.x`"]),
        ("{{ if or (hasKey .Vars \"x\") (hasKey .Vars \"y\") }}{{ .Vars.x }}{{ end }}", &["1:58: unknown `.Vars.x`"]),
        ("{{ if empty .Vars.x }}{{ else }}{{ .Vars.x }}{{ end }}", &[]),
        (
            "{{ if hasKey .Vars \"x\" }}a{{ else if hasKey .Vars \"y\" }}{{ .Vars.y }}{{ else }}{{ .Vars.y }}{{ end }}",
            &["1:88: unknown `.Vars.y`"],
        ),
        ("{{ with .Vars.db }}{{ .host }}{{ .prot }}{{ $.Vars.port }}{{ end }}", &["1:34: unknown `.Vars.db.prot`"]),
        ("{{ $d := .Vars.db }}{{ $d.host }}{{ $d.prot }}", &["1:39: unknown `.Vars.db.prot`"]),
        ("{{ $d := .Vars.db }}{{ $d = .Vars }}{{ $d.anything }}", &[]),
        (
            "{{ range .Vars.db }}{{ .anything }}{{ $.Vars.prot }}{{ end }}{{ .Vars.prot }}",
            &["1:45: unknown `.Vars.prot`", "1:70: unknown `.Vars.prot`"],
        ),
        (
            "{{ range .Vars.db }}{{ with .x }}{{ break }}{{ end }}{{ end }}{{ .Vars.prot }}",
            &["1:71: unknown `.Vars.prot`"],
        ),
        ("{{ (index .Vars \"db\").host }} {{ (index .Vars \"db\").prot }}", &["1:52: unknown `.Vars.db.prot`"]),
        ("{{ define \"x\" }}{{ .Vars.prot }}{{ end }}{{ template \"x\" . }}", &["1:25: unknown `.Vars.prot`"]),
        ("{{ define \"x\" }}{{ .prot }}{{ end }}{{ template \"x\" .Vars }}{{ template \"x\" .Vars.db }}", &[]),
        ("{{ define \"x\" }}{{ .prot }}{{ end }}{{ template \"x\" .Vars }}", &["1:20: unknown `.Vars.prot`"]),
        ("{{ block \"x\" .Vars.db }}{{ .prot }}{{ end }}{{ .Vars.port }}", &["1:28: unknown `.Vars.db.prot`"]),
        ("{{ template \"nope\" . }}", &["1:13: template `nope` not defined"]),
        ("{{ secret .Vars.port }}", &["1:4: `secret` takes a literal path"]),
        ("{{ secret \"a\" }} {{ .Traits.custom.anything.at.all }}", &[]),
        ("{{ .Traits.so.family }}", &["1:11: unknown `.Traits.so`"]),
        ("{{ .Vars.port | and (hasKey .Vars \"x\") | print }}{{ .Vars.x }}", &["1:58: unknown `.Vars.x`"]),
    ];
    for (template, expected) in cases {
        let errors = Template::parse(*template).unwrap_or_else(|e| panic!("{template}: {e}")).check(&Known);
        let found: Vec<String> = errors.iter().map(|e| e.to_string()).collect();
        assert_eq!(found, *expected, "{template}");
    }
}

#[test]
fn literal_secrets_are_known_beforehand() {
    let template =
        Template::parse("{{ secret \"a/b\" }}{{ if 0 }}{{ `c` | secret | upper }}{{ end }}{{ print \"d\" }}").unwrap();
    assert_eq!(template.secret_paths().collect::<Vec<_>>(), ["a/b", "c"]);
}

#[test]
fn text_without_actions_is_known_at_a_glance() {
    for (text, expected) in
        [("", false), ("{", false), ("{ {", false), ("a {{ b", true), ("{{", true), ("a{{{", true), ("}}", false)]
    {
        assert_eq!(has_template(text), expected, "{text}");
    }
    assert_eq!(Template::parse("a } {").unwrap().render(&Scope::new(&NoSecrets)).unwrap().text.as_str(), "a } {");
}

#[test]
fn every_helper_of_the_language_is_there() {
    let names = "default required coalesce empty hasKey lookup upper lower title trim trimAll trimPrefix trimSuffix trimLeft \
        trimRight replace split join contains hasPrefix hasSuffix quote squote indent nindent toJson toYaml b64enc b64dec \
        sha256sum int add sub mul div mod list dict keys sortAlpha uniq first last secret and or not eq ne lt le gt ge index \
        slice len print printf println html js urlquery";
    for name in names.split_whitespace() {
        assert!(functions().iter().any(|f| f.name == name), "{name}");
    }
}
