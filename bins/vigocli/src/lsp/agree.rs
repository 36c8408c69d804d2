//! What the server can, as it tells the client.

use super::position::Encoding;
use gen_lsp_types::{
    CodeActionKind, CodeActionOptions, CompletionOptions, PositionEncodingKind, RenameOptions, ServerCapabilities,
    TextDocumentSyncKind, TextDocumentSyncOptions,
};
use serde_json::{Value, json};

/// What is typed before one wants to see what may follow.
const TRIGGERS: [&str; 8] = [".", "'", "(", "/", ":", "[", " ", "{"];

/// Returns what the server can.
pub(super) fn capabilities(encoding: Encoding) -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::Incremental),
        save: Some(true.into()),
        ..TextDocumentSyncOptions::default()
    };
    let completion = CompletionOptions {
        trigger_characters: Some(TRIGGERS.map(String::from).into()),
        ..CompletionOptions::default()
    };
    let actions =
        CodeActionOptions { code_action_kinds: Some(vec![CodeActionKind::QuickFix]), ..CodeActionOptions::default() };
    let rename = RenameOptions { prepare_provider: Some(true), ..RenameOptions::default() };
    ServerCapabilities {
        position_encoding: Some(match encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }),
        text_document_sync: Some(sync.into()),
        completion_provider: Some(completion),
        hover_provider: Some(true.into()),
        definition_provider: Some(true.into()),
        references_provider: Some(true.into()),
        document_highlight_provider: Some(true.into()),
        document_symbol_provider: Some(true.into()),
        workspace_symbol_provider: Some(true.into()),
        code_action_provider: Some(actions.into()),
        rename_provider: Some(rename.into()),
        document_formatting_provider: Some(true.into()),
        ..ServerCapabilities::default()
    }
}

/// Returns the request that the client is to tell of files that change on the disk. Any file may be one of a tree:
/// templates and data have any name.
pub(super) fn watch_files() -> Value {
    let one = json!({
        "id": "files",
        "method": "workspace/didChangeWatchedFiles",
        "registerOptions": { "watchers": [{ "globPattern": "**/*" }] },
    });
    json!({
        "jsonrpc": "2.0",
        "id": "register-files",
        "method": "client/registerCapability",
        "params": { "registrations": [one] },
    })
}
