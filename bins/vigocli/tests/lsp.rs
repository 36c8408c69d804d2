//! `vigocli lsp`, over its protocol: the program itself, with an editor made of JSON at the other end.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// How long an answer is waited for, on a machine with other things to do.
const WAIT: Duration = Duration::from_secs(120);

/// A tree of its own.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("vigocli-lsp-{}-{name} ü", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let tree = Self(root);
        fs::create_dir_all(&tree.0).unwrap();
        files.iter().for_each(|(path, text)| tree.write(path, text));
        tree
    }

    fn examples(name: &str) -> Self {
        fn copy(from: &Path, to: &Path) {
            fs::create_dir_all(to).unwrap();
            for entry in fs::read_dir(from).unwrap() {
                let entry = entry.unwrap();
                let to = to.join(entry.file_name());
                if entry.file_type().unwrap().is_dir() {
                    copy(&entry.path(), &to);
                } else {
                    fs::write(to, fs::read(entry.path()).unwrap()).unwrap();
                }
            }
        }
        let tree = Self::new(name, &[]);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/stacks"), &tree.0);
        tree
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    fn uri(&self, path: &str) -> String {
        let path = self.0.join(path).to_str().unwrap().replace(' ', "%20").replace('ü', "%C3%BC");
        format!("file://{path}")
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An editor.
struct Editor {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Value>,
    /// What came in and was not looked for.
    kept: VecDeque<Value>,
    next: i64,
}

impl Editor {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
        command.arg("lsp").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let (sender, output) = mpsc::channel();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            loop {
                let mut header = String::new();
                if stdout.read_line(&mut header).unwrap_or(0) == 0 {
                    return;
                }
                let length = header.strip_prefix("Content-Length: ").expect("nothing but the protocol").trim();
                let mut body = vec![0; 2 + length.parse::<usize>().unwrap()];
                stdout.read_exact(&mut body).unwrap();
                if sender.send(serde_json::from_slice(&body[2..]).unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { input: child.stdin.take(), child, output, kept: VecDeque::new(), next: 0 }
    }

    /// Returns an editor in the folder of a tree.
    fn open(tree: &Tree) -> Self {
        let mut editor = Self::start(&[]);
        let folders = json!([{ "uri": tree.uri(""), "name": "tree" }]);
        let answer = editor.ask("initialize", json!({ "capabilities": {}, "workspaceFolders": folders }));
        assert_eq!(answer["result"]["serverInfo"]["name"], "vigocli", "{answer}");
        editor.tell("initialized", json!({}));
        editor
    }

    fn send_raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        self.wait(|message| message["id"] == id && message.get("method").is_none())
    }

    /// Returns the first message that is looked for; the others are kept.
    fn wait(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&is_it) {
            return self.kept.remove(at).unwrap();
        }
        loop {
            let message = self.output.recv_timeout(WAIT).expect("an answer");
            if is_it(&message) {
                return message;
            }
            self.kept.push_back(message);
        }
    }

    /// Returns what is wrong with a file, once that is such that `is_it`.
    fn diagnostics(&mut self, uri: &str, is_it: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let message = self.wait(|m| {
            m["method"] == "textDocument/publishDiagnostics"
                && m["params"]["uri"] == uri
                && is_it(m["params"]["diagnostics"].as_array().unwrap())
        });
        message["params"]["diagnostics"].as_array().unwrap().clone()
    }

    fn did_open(&mut self, tree: &Tree, path: &str, text: &str) {
        let document = json!({ "uri": tree.uri(path), "languageId": "vigo", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Opens a file with a text that has a cursor `‸` in it, and returns the parameters of a question about that place.
    fn at(&mut self, tree: &Tree, path: &str, text: &str) -> Value {
        let at = text.find('‸').unwrap();
        let before = &text[..at];
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap().encode_utf16().count();
        self.did_open(tree, path, &text.replace('‸', ""));
        json!({ "textDocument": { "uri": tree.uri(path) }, "position": { "line": line, "character": column } })
    }

    /// Ends the session as one should, and returns the exit status.
    fn end(mut self) -> i32 {
        let answer = self.ask("shutdown", Value::Null);
        assert_eq!(answer.get("result"), Some(&Value::Null), "{answer}");
        let late = self.ask("textDocument/hover", json!({}));
        assert_eq!(late["error"]["code"], -32600, "{late}");
        self.tell("exit", Value::Null);
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn range(value: &Value) -> (u64, u64, u64, u64) {
    let n = |value: &Value| value.as_u64().unwrap();
    let (start, end) = (&value["start"], &value["end"]);
    (n(&start["line"]), n(&start["character"]), n(&end["line"]), n(&end["character"]))
}

/// Returns `path line:column` of locations.
fn places(tree: &Tree, locations: &Value) -> Vec<String> {
    let root = tree.uri("");
    let place = |l: &Value| {
        let (line, column, ..) = range(&l["range"]);
        format!("{} {line}:{column}", l["uri"].as_str().unwrap().strip_prefix(&root).unwrap())
    };
    locations.as_array().unwrap().iter().map(place).collect()
}

#[test]
fn the_examples_are_edited() {
    let tree = Tree::examples("examples");
    let mut editor = Editor::open(&tree);
    let app = tree.read("configcrates/sandbox/app.vgo");
    let at =
        editor.at(&tree, "configcrates/sandbox/app.vgo", &app.replacen("notify: [reload]", "notify: [rel‸oad]", 1));
    let found = editor.ask("textDocument/definition", at.clone());
    let line = app.lines().position(|l| l.contains("name: reload")).unwrap();
    assert_eq!(places(&tree, &found["result"]), [format!("configcrates/sandbox/app.vgo {line}:10")]);
    let hover = editor.ask("textDocument/hover", at.clone());
    assert!(hover["result"]["contents"]["value"].as_str().unwrap().contains("**resource** `reload`"), "{hover}");
    let mut params = at.clone();
    params["context"] = json!({ "includeDeclaration": true });
    let found = editor.ask("textDocument/references", params);
    assert_eq!(places(&tree, &found["result"]).len(), app.matches("reload]").count() + 1);
    let found = editor.ask("textDocument/documentHighlight", at.clone());
    assert_eq!(found["result"].as_array().unwrap().len(), app.matches("reload]").count() + 1);
    let found = editor.ask("textDocument/completion", at.clone());
    let labels: Vec<&str> =
        found["result"]["items"].as_array().unwrap().iter().map(|i| i["label"].as_str().unwrap()).collect();
    assert!(labels.contains(&"settings") && labels.contains(&"accounts"), "{labels:?}");
    let ready = editor.ask("textDocument/prepareRename", at.clone());
    assert_eq!(ready["result"]["placeholder"], "reload", "{ready}");
    let mut params = at.clone();
    params["newName"] = json!("again");
    let edit = editor.ask("textDocument/rename", params);
    let changes = &edit["result"]["changes"][tree.uri("configcrates/sandbox/app.vgo")];
    assert_eq!(changes.as_array().unwrap().len(), app.matches("reload]").count() + 1, "{edit}");
    let mut params = at;
    params["newName"] = json!("site");
    let refused = editor.ask("textDocument/rename", params);
    assert!(refused["error"]["message"].as_str().unwrap().contains("another resource"), "{refused}");
    let document = json!({ "textDocument": { "uri": tree.uri("configcrates/sandbox/app.vgo") } });
    let symbols = editor.ask("textDocument/documentSymbol", document);
    assert_eq!(symbols["result"][0]["name"], "app", "{symbols}");
    let found = editor.ask("workspace/symbol", json!({ "query": "Sandb" }));
    assert!(found["result"].as_array().unwrap().iter().any(|s| s["name"] == "sandbox"), "{found}");
    assert_eq!(editor.end(), 0);
}

#[test]
fn a_file_is_written_in_its_one_form_unless_there_is_a_mistake_in_it() {
    let motd = "resources:\n- type: file\n  name: m # größer\n  target_path: '/m'\n  content: x\n";
    let tree = Tree::new("format", &[("configcrates/motd.vgo", motd), ("envoys.vgo", "envoys: []\n")]);
    let mut editor = Editor::open(&tree);
    let options = json!({ "tabSize": 2, "insertSpaces": true });
    let params = |path: &str| json!({ "textDocument": { "uri": tree.uri(path) }, "options": options });
    editor.did_open(&tree, "configcrates/motd.vgo", motd);
    let edits = editor.ask("textDocument/formatting", params("configcrates/motd.vgo"))["result"].clone();
    assert_eq!(range(&edits[0]["range"]), (0, 0, 5, 0), "{edits}");
    let written = edits[0]["newText"].as_str().unwrap();
    assert_eq!(written, "resources:\n  - name: m # größer\n    type: file\n    target_path: \"/m\"\n    content: x\n");
    tree.write("configcrates/motd.vgo", written);
    assert_eq!(editor.ask("textDocument/formatting", params("envoys.vgo"))["result"], json!([]));
    editor.did_open(&tree, "envoys.vgo", "envoys: [\n");
    let refused = editor.ask("textDocument/formatting", params("envoys.vgo"));
    assert!(refused["error"]["message"].as_str().unwrap().contains("mistakes"), "{refused}");
    assert_eq!(editor.end(), 0);
}

#[test]
fn mistakes_are_told_while_they_are_made_and_taken_back_when_they_are_mended() {
    let envoys = "envoys:\n- {match: a, configcrates: [web]}\n";
    let files = [("configcrates/web.vgo", "resources: []\n"), ("envoys.vgo", envoys)];
    let tree = Tree::new("mistakes", &files);
    let mut editor = Editor::open(&tree);
    let (web, host) = (tree.uri("configcrates/web.vgo"), tree.uri("envoys.vgo"));
    // A file that is not open is wrong because of one that is.
    editor.did_open(&tree, "configcrates/web.vgo", "name: wep\nresources: []\n");
    let found = editor.diagnostics(&host, |d| !d.is_empty());
    assert_eq!((&found[0]["code"], range(&found[0]["range"])), (&json!("E0103"), (1, 28, 1, 31)), "{found:?}");
    assert!(found[0]["codeDescription"]["href"].as_str().unwrap().ends_with("/E0103.md"), "{found:?}");
    // The change replaces the `p` by a `b`.
    let change = json!({ "range": { "start": { "line": 0, "character": 8 }, "end": { "line": 0, "character": 9 } }, "text": "b" });
    let document = json!({ "uri": web, "version": 2 });
    editor.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
    editor.diagnostics(&host, <[Value]>::is_empty);
    // Two places disagree.
    let twice = "name: web\nresources:\n- {name: ä𝄞, type: exec, command: x, creates: /x}\n- {name: ä𝄞, type: exec, command: x, creates: /y}\n";
    let document = json!({ "uri": web, "version": 3 });
    editor.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [{ "text": twice }] }));
    let found = editor.diagnostics(&web, |d| !d.is_empty());
    let related = &found[0]["relatedInformation"][0]["location"];
    assert_eq!(range(&found[0]["range"]), (3, 9, 3, 12), "{found:?}");
    assert_eq!((&related["uri"], range(&related["range"])), (&json!(web), (2, 9, 2, 12)), "{found:?}");
    // What is closed without being saved is what lies on the disk.
    editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": web } }));
    editor.diagnostics(&web, <[Value]>::is_empty);
    // Somebody else changes a file.
    tree.write("envoys.vgo", "envoys:\n- {match: a, configcrates: [web], environmen: x}\n");
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": host, "type": 2 }] }));
    let found = editor.diagnostics(&host, |d| !d.is_empty());
    assert_eq!(found[0]["message"], "unknown key `environmen` in a match block\nhelp: did you mean `environment`?");
    let context = json!({ "diagnostics": found });
    let params = json!({ "textDocument": { "uri": host }, "range": found[0]["range"], "context": context });
    let actions = editor.ask("textDocument/codeAction", params);
    let edit = &actions["result"][0]["edit"]["changes"][&host][0];
    assert_eq!((&edit["newText"], range(&edit["range"])), (&json!("environment"), (1, 34, 1, 44)), "{actions}");
    tree.write("envoys.vgo", "envoys:\n- {match: a, configcrates: [web]}\n");
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": host, "type": 2 }] }));
    editor.diagnostics(&host, <[Value]>::is_empty);
    assert_eq!(editor.end(), 0);
}

#[test]
fn columns_count_utf_16_or_what_was_agreed_on() {
    let envoys = "# ä𝄞\nenvoys:\n- {match: \"ä𝄞*\", configcrates: [web]}\n";
    let files = [("configcrates/web.vgo", "name: web\nresources: []\n"), ("envoys.vgo", envoys)];
    let tree = Tree::new("columns", &files);
    let mut editor = Editor::open(&tree);
    let at = editor.at(&tree, "configcrates/web.vgo", "name: w‸eb\nresources: []\n");
    let mut params = at;
    params["context"] = json!({ "includeDeclaration": false });
    let found = editor.ask("textDocument/references", params.clone());
    assert_eq!(places(&tree, &found["result"]), ["envoys.vgo 2:33"]);
    let at = editor.at(&tree, "envoys.vgo", &envoys.replace("[web]", "[we‸b]"));
    let found = editor.ask("textDocument/definition", at);
    assert_eq!(places(&tree, &found["result"]), ["configcrates/web.vgo 0:6"]);
    assert_eq!(editor.end(), 0);

    let mut editor = Editor::start(&["--stacks", tree.0.to_str().unwrap()]);
    let capabilities = json!({ "general": { "positionEncodings": ["utf-8", "utf-16"] } });
    let answer = editor.ask("initialize", json!({ "capabilities": capabilities }));
    assert_eq!(answer["result"]["capabilities"]["positionEncoding"], "utf-8");
    let found = editor.ask("textDocument/references", params);
    assert_eq!(places(&tree, &found["result"]), ["envoys.vgo 2:36"]);
    assert_eq!(editor.end(), 0);
}

#[test]
fn a_line_that_is_no_yaml_yet_is_completed() {
    let files =
        [("configcrates/web.vgo", "resources: []\n"), ("roles.vgo", "roles: [{name: front, configcrates: [web]}]\n")];
    let tree = Tree::new("broken", &files);
    let mut editor = Editor::open(&tree);
    let cases = [
        ("envoys.vgo", "envoys:\n- match: a\n  roles: [‸", "front"),
        ("envoys.vgo", "envoys:\n- {match: a, ro‸", "roles"),
        ("configcrates/web.vgo", "resources:\n- type: file\n  content: \"{{ .Traits.os.‸", "family"),
        ("configcrates/web.vgo", "resources:\n- type: service\n  when: \"os_family('ü') || has_role('‸", "front"),
        ("templates/x.conf", "ü𝄞 {{ if .Traits.‸", "os"),
    ];
    for (path, text, label) in cases {
        let at = editor.at(&tree, path, text);
        let found = editor.ask("textDocument/completion", at);
        let items = found["result"]["items"].as_array().unwrap();
        assert!(items.iter().any(|i| i["label"] == label), "{text}: {found}");
    }
    assert_eq!(editor.end(), 0);
}

#[test]
fn a_tree_is_found_around_the_file_that_is_opened() {
    let files = [("stacks/configcrates/deep/web.vgo", "resources: []\n"), ("stacks/a/b.vgo", "envoys: []\n")];
    let tree = Tree::new("around", &files);
    let mut editor = Editor::start(&[]);
    editor.ask("initialize", json!({ "capabilities": {} }));
    let at = editor.at(&tree, "stacks/a/b.vgo", "envoys:\n- {match: a, configcrates: [w‸eb, nope]}\n");
    let found = editor.ask("textDocument/definition", at);
    assert_eq!(places(&tree, &found["result"]), ["stacks/configcrates/deep/web.vgo 0:0"]);
    let found = editor.diagnostics(&tree.uri("stacks/a/b.vgo"), |d| !d.is_empty());
    assert!(found[0]["message"].as_str().unwrap().contains("`nope`"), "{found:?}");
    assert_eq!(editor.end(), 0);
}

#[test]
fn what_is_no_request_is_refused_and_the_session_goes_on() {
    let tree = Tree::new("refused", &[("envoys.vgo", "envoys: []\n")]);
    let mut editor = Editor::start(&[]);
    let early = editor.ask("textDocument/hover", json!({}));
    assert_eq!(early["error"]["code"], -32002, "{early}");
    editor.tell("textDocument/didOpen", json!({ "textDocument": 1 }));
    let folders = json!([{ "uri": tree.uri(""), "name": "tree" }]);
    let dynamic = json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
    editor.ask("initialize", json!({ "capabilities": dynamic, "workspaceFolders": folders }));
    editor.tell("initialized", json!({}));
    let asked = editor.wait(|m| m["method"] == "client/registerCapability");
    editor.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": null }));
    let again = editor.ask("initialize", json!({ "capabilities": {} }));
    assert_eq!(again["error"]["code"], -32600, "{again}");
    let unknown = editor.ask("textDocument/dance", json!({}));
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    let wrong = editor.ask("textDocument/hover", json!({ "textDocument": "x" }));
    assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
    let nowhere = json!({ "textDocument": { "uri": "untitled:1" }, "position": { "line": 0, "character": 0 } });
    let nothing = editor.ask("textDocument/hover", nowhere.clone());
    assert_eq!(nothing.get("result"), Some(&Value::Null), "{nothing}");
    let mut params = nowhere;
    params["newName"] = json!("x");
    let nothing = editor.ask("textDocument/rename", params);
    assert_eq!(nothing["error"]["code"], -32803, "{nothing}");
    for raw in
        ["Content-Length: 1\r\n\r\n{", "Content-Length: 2\r\n\r\n[]", "Content-Length: 4\r\n\r\nnull", "junk\r\n\r\n"]
    {
        editor.send_raw(raw.as_bytes());
        let refused = editor.wait(|m| m.get("error").is_some() && m["id"].is_null());
        assert!(matches!(refused["error"]["code"].as_i64(), Some(-32700 | -32600)), "{raw}: {refused}");
    }
    editor.send(&json!({ "jsonrpc": "2.0", "id": [1], "method": "textDocument/hover" }));
    assert_eq!(editor.wait(|m| m["id"] == json!([1]))["error"]["code"], -32600);
    // Notifications that are unknown, wrong, or of documents that are not open.
    editor.tell("$/setTrace", json!({ "value": "off" }));
    editor.tell("textDocument/didChange", json!({ "textDocument": {}, "contentChanges": 3 }));
    editor
        .wait(|m| m["method"] == "window/logMessage" && m["params"]["message"].as_str().unwrap().contains("didChange"));
    let document = json!({ "uri": tree.uri("envoys.vgo"), "version": 3 });
    editor.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [{ "text": "x" }] }));
    assert_eq!(editor.end(), 0);
}

#[test]
fn an_end_without_a_word_is_status_1() {
    let mut editor = Editor::start(&[]);
    editor.input = None;
    assert_eq!(editor.child.wait().unwrap().code(), Some(1));
    let mut editor = Editor::start(&[]);
    editor.ask("initialize", json!({ "capabilities": {} }));
    editor.tell("exit", Value::Null);
    assert_eq!(editor.child.wait().unwrap().code(), Some(1));
}
