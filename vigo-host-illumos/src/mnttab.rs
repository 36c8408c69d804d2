//! Lines of mnttab(5), apart by tabs: device, path, type, options, time.

use alloc::vec::Vec;

/// A line of mnttab(5).
pub(crate) struct Mounted<'a> {
    /// What is mounted.
    pub(crate) source: &'a str,
    /// Where.
    pub(crate) point: &'a str,
    /// Its type.
    pub(crate) fstype: &'a str,
    /// Its options, also by those names that they have elsewhere.
    pub(crate) options: Vec<&'a str>,
}

/// Returns all that is mounted, what is on top of others behind these.
pub(crate) fn lines(text: &str) -> impl DoubleEndedIterator<Item = Mounted<'_>> {
    text.lines().filter_map(line)
}

fn line(line: &str) -> Option<Mounted<'_>> {
    let mut fields = line.split('\t');
    let (source, point, fstype) = (fields.next()?, fields.next()?, fields.next()?);
    let mut options: Vec<&str> = fields.next().unwrap_or_default().split(',').filter(|o| !o.is_empty()).collect();
    let (nosetuid, nodevices) = (options.contains(&"nosetuid"), options.contains(&"nodevices"));
    // `nosuid` is both of them.
    options.extend((nosetuid && nodevices).then_some("nosuid"));
    options.extend(nodevices.then_some("nodev"));
    Some(Mounted { source, point, fstype, options })
}
