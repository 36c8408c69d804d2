//! What an editor asks, at any place of any text.

use crate::input::text;
use vigo_core::editor::{Outline, Workspace};
use vigo_core::source::Tree;

/// Begins a file: its path stands behind, on the same line.
const FILE: &str = "=== ";

/// Stands where something is asked; it is taken out of the text.
const CURSOR: char = '‸';

/// Reads the input as the files of a tree, each behind a line `=== path`, and asks everything at each cursor, and at some
/// places besides: of the text as it is, and of one that ends there.
///
/// Every place that comes back lies inside its file, between characters.
pub fn editor(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut files: Vec<(&str, String)> = Vec::new();
    let mut asked: Vec<(&str, usize)> = Vec::new();
    for part in text.split(FILE).filter(|part| !part.is_empty()).take(16) {
        let (path, content) = part.split_once('\n').unwrap_or(("configcrates/a.vgo", part));
        if files.iter().any(|(other, _)| *other == path) {
            continue;
        }
        let cursors = content.match_indices(CURSOR).enumerate().take(4);
        asked.extend(cursors.map(|(taken, (at, _))| (path, at - taken * CURSOR.len_utf8())));
        asked.extend((0..4).map(|i| (path, content.len() * i / 3)));
        files.push((path, content.replace(CURSOR, "")));
    }
    let mut workspace = Workspace::new(Tree::from_texts(files.iter().map(|(path, text)| (*path, &**text))));
    for (path, at) in asked.into_iter().take(24) {
        ask(&workspace, path, at);
        let Some(whole) = workspace.text(path).cloned() else { continue };
        let head = whole.get(..whole.floor_char_boundary(at.min(whole.len()))).unwrap_or_default();
        let mut set = |text: &str| workspace.set(Tree::from_texts([(path, text)]).files.remove(0));
        set(&format!("{head}: [\n"));
        ask(&workspace, path, at);
        workspace.set(Tree::from_texts([(path, &*whole)]).files.remove(0));
    }
}

fn ask(workspace: &Workspace, path: &str, at: usize) {
    let inside = |path: &str, range: std::ops::Range<usize>| {
        let text = workspace.text(path).map_or("", |text| text);
        assert!(text.get(range.clone()).is_some(), "{range:?} lies outside `{path}`");
    };
    for completion in workspace.complete(path, at) {
        inside(path, completion.replace);
        assert!(!completion.label.is_empty(), "a completion without a word");
    }
    if let Some((range, doc)) = workspace.hover(path, at) {
        inside(path, range);
        assert!(!doc.is_empty(), "nothing to say");
    }
    for location in workspace.definitions(path, at).into_iter().chain(workspace.references(path, at, true)) {
        inside(&location.path, location.at);
    }
    if let Ok((range, _)) = workspace.renamed_at(path, at) {
        inside(path, range);
    }
    for edits in workspace.rename(path, at, "renamed").into_iter() {
        for pair in edits.windows(2) {
            let (a, b) = (&pair[0].location, &pair[1].location);
            assert!(a.path != b.path || a.at.end <= b.at.start, "two edits of one place");
        }
        edits.into_iter().for_each(|e| inside(&e.location.path, e.location.at));
    }
    let mut open: Vec<Outline> = workspace.outline(path);
    while let Some(outline) = open.pop() {
        assert!(outline.whole.start <= outline.at.start && outline.at.end <= outline.whole.end, "a name outside");
        inside(path, outline.whole);
        open.extend(outline.children);
    }
}
