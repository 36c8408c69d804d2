//! The life of a session: who may ask what when, and what changes.

use super::agree::{capabilities, watch_files};
use super::check::{self, Checked, Job};
use super::document::Document;
use super::position::Encoding;
use super::publish::publish;
use super::request::{self, Asked};
use super::transport::{self, Incoming};
use super::tree::{self, Tree};
use super::uri;
use gen_lsp_types::{
    ClientCapabilities, CodeActionParams, CompletionParams, DefinitionParams, DidChangeTextDocumentParams,
    DidChangeWatchedFilesParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    DocumentFormattingParams, DocumentHighlightParams, DocumentSymbolParams, ErrorCodes, HoverParams, InitializeParams,
    InitializeResult, Position, PositionEncodingKind, PrepareRenameParams, ReferenceParams, RenameParams, ServerInfo,
    TextDocumentPositionParams, Uri, WorkspaceFolders, WorkspaceSymbolParams,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::io::{self, BufReader, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How long after the last change a tree is checked: who types on is not disturbed.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// What happened.
pub(super) enum Event {
    /// Something came in.
    In(Incoming),
    /// Nothing comes in any more.
    End,
    /// A tree was checked.
    Checked(Box<Checked>),
}

/// Where in its life a session is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Nothing was agreed on yet.
    New,
    Running,
    /// It is to end.
    ShutDown,
}

/// Why a request was not answered.
struct Problem {
    code: ErrorCodes,
    message: String,
}

impl Problem {
    fn new(code: ErrorCodes, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The request was cancelled by the client.
const CANCELLED: ErrorCodes = ErrorCodes::Custom(-32800);
/// The request was right, and was refused.
const FAILED: ErrorCodes = ErrorCodes::Custom(-32803);

struct Session<W> {
    output: W,
    life: Life,
    /// The tree that was named on the command line.
    stacks: Option<PathBuf>,
    trees: Vec<Tree>,
    jobs: Sender<Job>,
    /// The tree that is being checked.
    is_checking: bool,
    encoding: Encoding,
    /// Whether the client tells of files that change.
    watches: bool,
    /// Requests that are not wanted any more, as JSON.
    cancelled: HashSet<String>,
}

/// Serves an editor at the other end of standard input and output; returns the exit status.
pub(crate) fn serve(stacks: Option<PathBuf>) -> io::Result<u8> {
    let (events, incoming) = mpsc::channel();
    let (jobs, work) = mpsc::channel();
    let reader = events.clone();
    thread::spawn(move || {
        let mut input = BufReader::new(io::stdin().lock());
        while let Ok(Some(message)) = transport::read(&mut input) {
            if reader.send(Event::In(message)).is_err() {
                return;
            }
        }
        let _ = reader.send(Event::End);
    });
    thread::spawn(move || check::work(&work, &events));
    Session::new(io::stdout(), stacks, jobs).run(&incoming)
}

impl<W: Write> Session<W> {
    fn new(output: W, stacks: Option<PathBuf>, jobs: Sender<Job>) -> Self {
        Self {
            output,
            life: Life::New,
            stacks,
            trees: Vec::new(),
            jobs,
            is_checking: false,
            encoding: Encoding::default(),
            watches: false,
            cancelled: HashSet::new(),
        }
    }

    fn run(&mut self, incoming: &Receiver<Event>) -> io::Result<u8> {
        let mut waiting: VecDeque<Event> = VecDeque::new();
        loop {
            // What is already there may cancel what comes first.
            while let Ok(event) = incoming.try_recv() {
                self.note_cancelled(&event, &waiting);
                waiting.push_back(event);
            }
            let Some(event) = waiting.pop_front() else {
                self.check_due()?;
                let next = self.trees.iter().filter_map(|t| t.due).min().filter(|_| !self.is_checking);
                let received = match next {
                    None => incoming.recv().map_err(|_| RecvTimeoutError::Disconnected),
                    Some(due) => incoming.recv_timeout(due.saturating_duration_since(Instant::now())),
                };
                match received {
                    Ok(event) => waiting.push_back(event),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Ok(1),
                }
                continue;
            };
            match event {
                Event::In(Incoming::Message(message)) => {
                    if let Some(status) = self.message(message)? {
                        return Ok(status);
                    }
                }
                Event::In(Incoming::Malformed(why)) => {
                    self.respond(&Value::Null, Err(Problem::new(ErrorCodes::ParseError, why)))?;
                }
                Event::End => return Ok(u8::from(self.life != Life::ShutDown)),
                Event::Checked(checked) => self.checked(checked)?,
            }
        }
    }

    /// Notes that a request is not wanted any more which waits for its turn.
    fn note_cancelled(&mut self, event: &Event, waiting: &VecDeque<Event>) {
        let Event::In(Incoming::Message(message)) = event else { return };
        let id = &message["params"]["id"];
        let is_it = |event: &Event| match event {
            Event::In(Incoming::Message(m)) => m.get("method").is_some() && m.get("id") == Some(id),
            _ => false,
        };
        if message["method"] == "$/cancelRequest" && waiting.iter().any(is_it) {
            self.cancelled.insert(id.to_string());
        }
    }

    /// Takes a message; returns the exit status where it ends the session.
    fn message(&mut self, message: Value) -> io::Result<Option<u8>> {
        let id = message.get("id").cloned();
        let method = message.get("method").and_then(Value::as_str).map(String::from);
        match (method, id) {
            (Some(method), None) if method == "exit" => return Ok(Some(u8::from(self.life != Life::ShutDown))),
            (Some(method), None) => self.notification(&method, message)?,
            (Some(method), Some(id)) => {
                let answer = self.request(&method, &id, message);
                self.respond(&id, answer)?;
            }
            // An answer to something that was asked of the client.
            (None, Some(_)) if message.get("result").is_some() || message.get("error").is_some() => {}
            (None, id) => {
                let problem = Problem::new(ErrorCodes::InvalidRequest, "expected a request or a notification");
                self.respond(&id.unwrap_or(Value::Null), Err(problem))?;
            }
        }
        Ok(None)
    }

    fn request(&mut self, method: &str, id: &Value, mut message: Value) -> Result<Value, Problem> {
        let params = message.get_mut("params").map_or(Value::Null, Value::take);
        let is_known = !id.is_null() && (id.is_string() || id.is_number());
        if !is_known {
            return Err(Problem::new(ErrorCodes::InvalidRequest, "expected a number or a text as `id`"));
        }
        match (self.life, method) {
            (Life::New, "initialize") => return self.initialize(parse(params)?),
            (Life::New, _) => {
                return Err(Problem::new(ErrorCodes::ServerNotInitialized, "expected `initialize` first"));
            }
            (Life::ShutDown, _) => return Err(Problem::new(ErrorCodes::InvalidRequest, "the session is shut down")),
            (Life::Running, _) => {}
        }
        if self.cancelled.remove(&id.to_string()) {
            return Err(Problem::new(CANCELLED, "cancelled"));
        }
        self.trees.iter_mut().for_each(Tree::refresh);
        match method {
            "initialize" => Err(Problem::new(ErrorCodes::InvalidRequest, "the session is initialized already")),
            "shutdown" => {
                self.life = Life::ShutDown;
                Ok(Value::Null)
            }
            "textDocument/completion" => {
                let p: CompletionParams = parse(params)?;
                self.at(&p.text_document_position_params, |asked, at| asked.complete(at))
            }
            "textDocument/hover" => {
                let p: HoverParams = parse(params)?;
                self.at(&p.text_document_position_params, |asked, at| asked.hover(at))
            }
            "textDocument/definition" => {
                let p: DefinitionParams = parse(params)?;
                self.at(&p.text_document_position_params, |asked, at| asked.definition(at))
            }
            "textDocument/references" => {
                let p: ReferenceParams = parse(params)?;
                let with = p.context.include_declaration;
                self.at(&p.text_document_position_params, |asked, at| asked.references(at, with))
            }
            "textDocument/documentHighlight" => {
                let p: DocumentHighlightParams = parse(params)?;
                self.at(&p.text_document_position_params, |asked, at| asked.highlights(at))
            }
            "textDocument/prepareRename" => {
                let p: PrepareRenameParams = parse(params)?;
                let p = &p.text_document_position_params;
                let asked = self.asked(&p.text_document.uri)?;
                let found = asked.prepare_rename(p.position);
                found.map(|found| json!(found)).map_err(|refusal| Problem::new(FAILED, refusal.to_string()))
            }
            "textDocument/rename" => {
                let p: RenameParams = parse(params)?;
                let (new, p) = (&p.new_name, &p.text_document_position_params);
                let found = self.asked(&p.text_document.uri)?.rename(p.position, new);
                found.map(|edit| json!(edit)).map_err(|refusal| Problem::new(FAILED, refusal.to_string()))
            }
            "textDocument/documentSymbol" => {
                let p: DocumentSymbolParams = parse(params)?;
                Ok(self.asked(&p.text_document.uri).map_or(json!([]), |asked| json!(asked.symbols())))
            }
            "textDocument/codeAction" => {
                let p: CodeActionParams = parse(params)?;
                Ok(self.asked(&p.text_document.uri).map_or(json!([]), |asked| json!(asked.fixes(p.range))))
            }
            "textDocument/formatting" => {
                let p: DocumentFormattingParams = parse(params)?;
                let edits = self.asked(&p.text_document.uri)?.formatted();
                edits.map(|edits| json!(edits)).map_err(|why| Problem::new(FAILED, why))
            }
            "workspace/symbol" => {
                let p: WorkspaceSymbolParams = parse(params)?;
                let encoding = self.encoding;
                let found = self.trees.iter().flat_map(|tree| request::find(tree, &p.query, encoding));
                Ok(json!(found.collect::<Vec<_>>()))
            }
            _ => Err(Problem::new(ErrorCodes::MethodNotFound, format!("no method `{}`", method.escape_debug()))),
        }
    }

    /// Answers a question about a place; one about no file of a tree has no answer.
    fn at<T: serde::Serialize>(
        &self,
        p: &TextDocumentPositionParams,
        answer: impl FnOnce(&Asked<'_>, Position) -> T,
    ) -> Result<Value, Problem> {
        Ok(self.asked(&p.text_document.uri).map_or(Value::Null, |asked| json!(answer(&asked, p.position))))
    }

    fn asked(&self, uri: &Uri) -> Result<Asked<'_>, Problem> {
        let none = || Problem::new(FAILED, format!("`{}` lies in no tree", uri.as_ref().escape_debug()));
        let (tree, path) = self.find(uri).ok_or_else(none)?;
        let tree = self.trees.get(tree).ok_or_else(none)?;
        Ok(Asked { tree, path, encoding: self.encoding })
    }

    /// Returns the tree in which a file lies, and its path there: the innermost of them.
    fn find(&self, uri: &Uri) -> Option<(usize, Arc<str>)> {
        let path = uri::to_path(uri)?;
        let found = self.trees.iter().enumerate().filter_map(|(i, tree)| Some((i, tree.relative(&path)?)));
        found.min_by_key(|(_, path)| path.len())
    }

    fn initialize(&mut self, params: InitializeParams) -> Result<Value, Problem> {
        let ClientCapabilities { general, workspace, .. } = params.capabilities;
        let encodings = general.and_then(|g| g.position_encodings).unwrap_or_default();
        if encodings.contains(&PositionEncodingKind::UTF8) {
            self.encoding = Encoding::Utf8;
        }
        let watched = workspace.and_then(|w| w.did_change_watched_files);
        self.watches = watched.and_then(|w| w.dynamic_registration).unwrap_or(false);
        let mut folders: Vec<Uri> = match params.workspace_folders_initialize_params.workspace_folders {
            Some(WorkspaceFolders::WorkspaceFolderList(folders)) => folders.into_iter().map(|f| f.uri).collect(),
            _ => Vec::new(),
        };
        if folders.is_empty() {
            #[expect(deprecated, reason = "clients that know no folders say it so")]
            folders.extend(params.root_uri);
        }
        if let Some(stacks) = &self.stacks {
            let root = std::path::absolute(stacks).unwrap_or_else(|_| stacks.clone());
            self.add_tree(root);
        } else {
            let roots: Vec<PathBuf> =
                folders.iter().filter_map(uri::to_path).filter_map(|folder| tree::in_folder(&folder)).collect();
            roots.into_iter().for_each(|root| _ = self.add_tree(root));
        }
        self.life = Life::Running;
        let result = InitializeResult {
            capabilities: capabilities(self.encoding),
            server_info: Some(ServerInfo { name: "vigocli".into(), version: Some(env!("CARGO_PKG_VERSION").into()) }),
        };
        Ok(json!(result))
    }

    fn notification(&mut self, method: &str, mut message: Value) -> io::Result<()> {
        if self.life != Life::Running {
            return Ok(());
        }
        let params = message.get_mut("params").map_or(Value::Null, Value::take);
        // A notification has no answer: what is wrong with one is told beside.
        let problem = match method {
            "initialized" if self.watches => return self.send(&watch_files()),
            "textDocument/didOpen" => parse(params).map(|p| self.opened(p)),
            "textDocument/didChange" => parse(params).map(|p| self.changed(&p)),
            "textDocument/didClose" => parse(params).map(|p| self.closed(&p)),
            "textDocument/didSave" => parse(params).map(|p: DidSaveTextDocumentParams| {
                if !self.watches
                    && let Some((tree, _)) = self.find(&p.text_document.uri)
                {
                    self.touched(tree, true);
                }
            }),
            "workspace/didChangeWatchedFiles" => parse(params).map(|p| self.moved(&p)),
            _ => Ok(()),
        };
        match problem {
            Ok(()) => Ok(()),
            Err(problem) => self.log(&format!("{method}: {}", problem.message)),
        }
    }

    fn opened(&mut self, p: DidOpenTextDocumentParams) {
        let document = p.text_document;
        let Some(path) = uri::to_path(&document.uri) else { return };
        let found = self.find(&document.uri).or_else(|| {
            if self.stacks.is_some() {
                return None;
            }
            let tree = self.add_tree(tree::around(&path)?);
            Some((tree, self.trees.get(tree)?.relative(&path)?))
        });
        let Some((number, path)) = found else { return };
        if let Some(tree) = self.trees.get_mut(number) {
            let (uri, version, text) = (document.uri, document.version, document.text);
            tree.open.insert(path.clone(), Document { uri, version, text });
            tree.overlay(&path);
        }
        self.touched(number, !self.watches);
    }

    fn changed(&mut self, p: &DidChangeTextDocumentParams) {
        let Some((number, path)) = self.find(&p.text_document.text_document_identifier.uri) else { return };
        let encoding = self.encoding;
        let Some(tree) = self.trees.get_mut(number) else { return };
        let Some(document) = tree.open.get_mut(&path) else { return };
        document.change(p.text_document.version, &p.content_changes, encoding);
        tree.overlay(&path);
        self.touched(number, false);
    }

    fn closed(&mut self, p: &DidCloseTextDocumentParams) {
        let Some((number, path)) = self.find(&p.text_document.uri) else { return };
        if let Some(tree) = self.trees.get_mut(number) {
            tree.open.remove(&path);
        }
        // What was not saved is forgotten.
        self.touched(number, true);
    }

    fn moved(&mut self, p: &DidChangeWatchedFilesParams) {
        for change in &p.changes {
            if let Some((number, path)) = self.find(&change.uri) {
                let is_open = self.trees.get(number).is_some_and(|tree| tree.open.contains_key(&path));
                if !is_open {
                    self.touched(number, true);
                }
            }
        }
    }

    /// Returns the number of the tree at `root`, which is read if it is new.
    fn add_tree(&mut self, root: PathBuf) -> usize {
        if let Some(known) = self.trees.iter().position(|tree| tree.root == root) {
            return known;
        }
        self.trees.push(Tree::new(root));
        let number = self.trees.len() - 1;
        self.touched(number, true);
        number
    }

    fn touched(&mut self, number: usize, on_disk: bool) {
        if let Some(tree) = self.trees.get_mut(number) {
            tree.is_stale |= on_disk;
            tree.due = Some(Instant::now() + DEBOUNCE);
        }
    }

    /// Reads what changed on the disk, and begins to check a tree whose time has come.
    fn check_due(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let mut problems = Vec::new();
        for tree in self.trees.iter_mut().filter(|t| t.due.is_some_and(|due| due <= now)) {
            tree.refresh();
            problems.extend(tree.problem.take());
        }
        for problem in problems {
            self.log(&problem)?;
        }
        let due = |tree: &Tree| tree.due.is_some_and(|due| due <= now);
        if let Some(number) = self.trees.iter().position(due).filter(|_| !self.is_checking)
            && let Some(tree) = self.trees.get_mut(number)
        {
            tree.due = None;
            self.is_checking = self.jobs.send(Job { number, tree: tree.workspace.tree() }).is_ok();
        }
        Ok(())
    }

    fn checked(&mut self, checked: Box<Checked>) -> io::Result<()> {
        self.is_checking = false;
        let encoding = self.encoding;
        let Some(tree) = self.trees.get_mut(checked.number) else { return Ok(()) };
        for said in publish(tree, checked, encoding) {
            self.notify("textDocument/publishDiagnostics", json!(said))?;
        }
        Ok(())
    }

    fn log(&mut self, text: &str) -> io::Result<()> {
        self.notify("window/logMessage", json!({ "type": 2, "message": text }))
    }

    fn notify(&mut self, method: &str, params: Value) -> io::Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn respond(&mut self, id: &Value, answer: Result<Value, Problem>) -> io::Result<()> {
        let message = match answer {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(Problem { code, message }) => {
                json!({ "jsonrpc": "2.0", "id": id, "error": { "code": i32::from(code), "message": message } })
            }
        };
        self.send(&message)
    }

    fn send(&mut self, message: &Value) -> io::Result<()> {
        transport::write(&mut self.output, message)
    }
}

fn parse<T: DeserializeOwned>(params: Value) -> Result<T, Problem> {
    serde_json::from_value(params).map_err(|error| Problem::new(ErrorCodes::InvalidParams, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_waits_can_be_cancelled_and_its_number_used_again() {
        let (events, incoming) = mpsc::channel();
        let hover = |id: u32| {
            json!({ "id": id, "method": "textDocument/hover", "params": {
            "textDocument": { "uri": "file:///a" }, "position": { "line": 0, "character": 0 } } })
        };
        let cancel = |id: u32| json!({ "method": "$/cancelRequest", "params": { "id": id } });
        let initialize = json!({ "id": 0, "method": "initialize", "params": { "capabilities": {} } });
        // What is cancelled when it was answered, or never asked, leaves nothing behind.
        let messages = [cancel(2), initialize, hover(1), hover(2), hover(3), cancel(2), cancel(9), hover(2)];
        for message in messages {
            events.send(Event::In(Incoming::Message(message))).expect("somebody listens");
        }
        events.send(Event::End).expect("somebody listens");
        let (jobs, _work) = mpsc::channel();
        let mut session = Session::new(Vec::new(), None, jobs);
        assert_eq!(session.run(&incoming).expect("a vector can be written"), 1);
        assert!(session.cancelled.is_empty());
        let mut output: &[u8] = &session.output;
        let mut answers = Vec::new();
        while let Some(Incoming::Message(answer)) = transport::read(&mut output).expect("a slice can be read") {
            answers.push((answer["id"].as_u64(), answer["error"]["code"].as_i64()));
        }
        let id = |id, code| (Some(id), code);
        assert_eq!(answers, [id(0, None), id(1, None), id(2, Some(-32800)), id(3, None), id(2, None)]);
    }
}
