//! What every tool is asked to do: the same things, in a folder of its own.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// One thing that is to be so, at a path relative to the case's folder.
pub enum Item {
    /// A directory.
    Dir(String),
    /// A file with this content.
    File(String, String),
    /// A file whose content a template makes: the text before and after the variable's value.
    Template(String, String, String),
    /// A symbolic link to another item.
    Link(String, String),
    /// A file of somebody else's that has this line.
    Line(String, String),
}

/// The value that templates insert.
pub const VALUE: &str = "eleven";

/// A set of items with a name.
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// How many items, for tools that are too slow for many.
    pub size: usize,
    /// What to manage.
    pub items: Vec<Item>,
    /// CPU seconds of a run with nothing to do that we aim at.
    pub target_seconds: f64,
    /// Peak memory that we aim at, in MiB.
    pub target_mib: f64,
    /// CPU seconds of a first run that we aim at, if we do.
    pub target_first_seconds: Option<f64>,
}

impl Case {
    /// Returns a case of `count` files of 200 bytes.
    pub fn files(name: &'static str, count: usize, target_seconds: f64, target_mib: f64) -> Self {
        let items = (0..count).map(|i| Item::File(format!("f{i:04}.conf"), content(i)));
        Self { name, size: count, items: items.collect(), target_seconds, target_mib, target_first_seconds: None }
    }

    /// Returns 50 directories, 200 files, 20 links, 20 line edits and 10 templates.
    pub fn mixed() -> Self {
        let mut items: Vec<Item> = (0..50).map(|i| Item::Dir(format!("d{i:02}"))).collect();
        items.extend((0..200).map(|i| Item::File(format!("d{:02}/f{i:04}.conf", i % 50), content(i))));
        items.extend((0..20).map(|i| Item::Link(format!("l{i:02}"), format!("d{i:02}/f{i:04}.conf"))));
        items.extend((0..20).map(|i| Item::Line(format!("line{i:02}"), format!("option{i} = on"))));
        items.extend(
            (0..10).map(|i| {
                Item::Template(format!("t{i:02}"), format!("number {i}\nvalue "), format!("\n{}", content(i)))
            }),
        );
        Self {
            name: "mixed",
            size: items.len(),
            items,
            target_seconds: 0.008,
            target_mib: 12.0,
            target_first_seconds: None,
        }
    }

    /// Makes `folder` as it is before the first run: empty, but for the files of others.
    pub fn furnish(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).map_err(|e| Failure::at(folder, &e))?;
        for item in &self.items {
            if let Item::Line(path, _) = item {
                write(&folder.join(path), "# somebody else's\nfirst = 1\n")?;
            }
        }
        Ok(())
    }

    /// Breaks three items by hand.
    pub fn drift(&self, folder: &Path) -> Result<()> {
        let wrong = |path: &String| write(&folder.join(path), "edited by hand\n");
        let mut files = self.items.iter().filter(|i| matches!(i, Item::File(..)));
        if let Some(Item::File(path, _)) = files.next() {
            wrong(path)?;
        }
        if let Some(Item::File(path, _)) = files.next() {
            fs::remove_file(folder.join(path)).map_err(|e| Failure::at(&folder.join(path), &e))?;
        }
        if let Some(Item::Template(path, ..)) = self.items.iter().find(|i| matches!(i, Item::Template(..))) {
            wrong(path)?;
        }
        if let Some(Item::Line(path, _)) = self.items.iter().find(|i| matches!(i, Item::Line(..))) {
            wrong(path)?;
        }
        if let Some(Item::Link(path, _)) = self.items.iter().find(|i| matches!(i, Item::Link(..))) {
            let link = folder.join(path);
            fs::remove_file(&link).and_then(|()| symlink("elsewhere", &link)).map_err(|e| Failure::at(&link, &e))?;
        }
        Ok(())
    }

    /// Checks that everything is so; a tool that has not done its work is no peer.
    pub fn verify(&self, folder: &Path) -> Result<()> {
        for item in &self.items {
            let path = folder.join(item.path());
            let holds = match item {
                Item::Dir(_) => path.is_dir(),
                Item::File(_, content) => has(&path, content),
                Item::Template(_, before, after) => has(&path, &format!("{before}{VALUE}{after}")),
                Item::Link(_, to) => fs::read_link(&path).is_ok_and(|seen| seen == folder.join(to)),
                Item::Line(_, line) => fs::read_to_string(&path).is_ok_and(|t| t.lines().any(|l| l == line)),
            };
            if !holds {
                return Err(Failure::new(format!("`{}` is not as it should be", path.display())));
            }
        }
        Ok(())
    }

    /// Returns inode and time of the last change of every item: they stay when nothing is done.
    pub fn stamps(&self, folder: &Path) -> Result<Vec<(PathBuf, u64, i64, i64)>> {
        let stamp = |item: &Item| {
            let path = folder.join(item.path());
            let meta = fs::symlink_metadata(&path).map_err(|e| Failure::at(&path, &e))?;
            // A directory also changes with the backups that some tools leave in it.
            let (seconds, nanos) = if meta.is_dir() { (0, 0) } else { (meta.mtime(), meta.mtime_nsec()) };
            Ok((path, meta.ino(), seconds, nanos))
        };
        self.items.iter().map(stamp).collect()
    }
}

impl Item {
    /// Returns where it is.
    pub fn path(&self) -> &str {
        match self {
            Self::Dir(path) | Self::File(path, _) | Self::Template(path, ..) | Self::Link(path, _) => path,
            Self::Line(path, _) => path,
        }
    }
}

/// 200 bytes, different for each number, without anything that a tool's syntax would need quoted.
fn content(number: usize) -> String {
    let mut text = format!("number {number}\n");
    while text.len() < 199 {
        text.push_str(if text.len() % 40 == 39 { "\n" } else { "x" });
    }
    text.push('\n');
    text
}

fn has(path: &Path, content: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|seen| seen == content)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| Failure::at(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Scratch;

    #[test]
    fn work_that_was_not_done_is_seen() {
        let scratch = Scratch::new("case").unwrap();
        let folder = scratch.path().join("files");
        let case = Case::mixed();
        case.furnish(&folder).unwrap();
        assert!(case.verify(&folder).is_err(), "nothing is there");
        for item in &case.items {
            let path = folder.join(item.path());
            match item {
                Item::Dir(_) => fs::create_dir(&path).unwrap(),
                Item::File(_, content) => fs::write(&path, content).unwrap(),
                Item::Template(_, before, after) => fs::write(&path, format!("{before}{VALUE}{after}")).unwrap(),
                Item::Link(_, to) => symlink(folder.join(to), &path).unwrap(),
                Item::Line(_, line) => fs::write(&path, format!("first = 1\n{line}\n")).unwrap(),
            }
        }
        case.verify(&folder).unwrap();
        case.drift(&folder).unwrap();
        assert!(case.verify(&folder).is_err(), "somebody was here");
    }

    #[test]
    fn contents_have_200_bytes_and_differ() {
        assert_eq!(content(7).len(), 200);
        assert_ne!(content(1), content(2));
    }
}
