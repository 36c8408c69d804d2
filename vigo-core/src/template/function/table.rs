//! The table of the functions: name, arguments, what it does.

use super::super::fuel::Failure;
use super::super::val::Val;
use super::{Call, arithmetic, collection, compare, default, encoding, escape, logic, print, secret, text};

/// A function that templates may call.
#[derive(Debug)]
pub struct Function {
    /// Its name in a template.
    pub name: &'static str,
    /// How to call it: `name` and its arguments.
    pub usage: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// The fewest arguments that it takes, one that is piped in counted.
    pub args_min: u8,
    /// The most arguments that it takes; `None`: any number.
    pub args_max: Option<u8>,
    pub(in super::super) optional: Optional,
    pub(in super::super) flow: Flow,
    pub(in super::super) body: Body,
}

/// Which arguments may be a field that is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Optional {
    No,
    Last,
    All,
}

/// How secrets go from the arguments into the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Flow {
    /// The result is made from the arguments: it is as secret as they are.
    Made,
    /// The result is one of the arguments, or a part of one: texts in it know for themselves.
    Part,
    /// The result says yes or no, or how many.
    Tells,
}

#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Body {
    /// `and`, `or`: the first argument whose truth is this, or the last; later ones are not looked at.
    Short(bool),
    Run(Run),
}

pub(in super::super) type Run = for<'a> fn(&mut Call<'_, 'a>) -> Result<Val<'a>, Failure>;

macro_rules! functions {
    ($($name:literal: $min:tt $max:tt, $usage:literal $optional:ident $flow:ident $body:expr, $doc:literal;)*) => {
        const FUNCTIONS: &[Function] = &[$(Function {
            name: $name,
            usage: $usage,
            doc: $doc,
            args_min: $min,
            args_max: functions!(@max $max),
            optional: Optional::$optional,
            flow: Flow::$flow,
            body: $body,
        }),*];
    };
    (@max +) => { None };
    (@max $max:literal) => { Some($max) };
}

const fn run(run: Run) -> Body {
    Body::Run(run)
}

functions! {
    "add": 1 +, "add a b …" No Made run(arithmetic::add), "The sum of whole numbers.";
    "and": 1 +, "and a b …" No Part Body::Short(false), "The first argument that is empty, or the last; later ones are not evaluated.";
    "b64dec": 1 1, "b64dec text" No Made run(encoding::b64dec), "The text that Base64 `text` stands for.";
    "b64enc": 1 1, "b64enc text" No Made run(encoding::b64enc), "`text` in Base64.";
    "coalesce": 1 +, "coalesce a b …" All Part run(default::coalesce), "The first argument that is not empty; any may be missing.";
    "contains": 2 2, "contains part text" No Tells run(text::contains), "Whether `text` contains `part`.";
    "default": 2 2, "default fallback value" Last Part run(default::default), "`value`, or `fallback` if it is empty or missing.";
    "dict": 0 +, "dict key value …" No Part run(collection::dict), "A map of the keys and values given in turn.";
    "div": 2 2, "div a b" No Made run(arithmetic::div), "The quotient of whole numbers, cut towards zero.";
    "empty": 1 1, "empty value" Last Tells run(default::empty), "Whether `value` is missing or the zero of its type: false, 0, empty.";
    "eq": 2 +, "eq a b …" No Tells run(compare::eq), "Whether `a` equals any of the others.";
    "first": 1 1, "first list" No Part run(collection::first), "The first item, or null of an empty list.";
    "ge": 2 2, "ge a b" No Tells run(compare::ge), "Whether `a` ≥ `b`.";
    "gt": 2 2, "gt a b" No Tells run(compare::gt), "Whether `a` > `b`.";
    "hasKey": 2 2, "hasKey map key" No Tells run(collection::has_key), "Whether `map` has `key`; a branch on it may use the key.";
    "hasPrefix": 2 2, "hasPrefix prefix text" No Tells run(text::has_prefix), "Whether `text` starts with `prefix`.";
    "hasSuffix": 2 2, "hasSuffix suffix text" No Tells run(text::has_suffix), "Whether `text` ends with `suffix`.";
    "html": 1 +, "html value …" No Made run(escape::html), "The arguments as printed, escaped for HTML.";
    "indent": 2 2, "indent n text" No Made run(text::indent), "`text` with `n` blanks before each line.";
    "index": 1 +, "index value key …" No Part run(collection::index), "The item at the keys, one inside the other; null if a map lacks the key.";
    "int": 1 1, "int value" No Made run(arithmetic::int), "`value` as a whole number: text is read, a fraction is cut off.";
    "join": 2 2, "join separator list" No Made run(text::join), "The items of `list` as text, with `separator` between them.";
    "js": 1 +, "js value …" No Made run(escape::js), "The arguments as printed, escaped for JavaScript.";
    "keys": 1 +, "keys map …" No Part run(collection::keys), "The keys of the maps, sorted.";
    "last": 1 1, "last list" No Part run(collection::last), "The last item, or null of an empty list.";
    "le": 2 2, "le a b" No Tells run(compare::le), "Whether `a` ≤ `b`.";
    "len": 1 1, "len value" No Tells run(collection::len), "The number of items, entries, or bytes of a text.";
    "list": 0 +, "list a b …" No Part run(collection::list), "A list of the arguments.";
    "lookup": 2 +, "lookup map key …" No Part run(collection::lookup), "What `map` has at the first of the keys that it has, or null.";
    "lower": 1 1, "lower text" No Made run(text::lower), "`text` in lower case.";
    "lt": 2 2, "lt a b" No Tells run(compare::lt), "Whether `a` < `b`.";
    "mod": 2 2, "mod a b" No Made run(arithmetic::modulo), "The rest of a division of whole numbers, with the sign of `a`.";
    "mul": 1 +, "mul a b …" No Made run(arithmetic::mul), "The product of whole numbers.";
    "ne": 2 2, "ne a b" No Tells run(compare::ne), "Whether `a` differs from `b`.";
    "nindent": 2 2, "nindent n text" No Made run(text::nindent), "A newline, and `text` with `n` blanks before each line.";
    "not": 1 1, "not value" No Tells run(logic::not), "Whether `value` is empty.";
    "or": 1 +, "or a b …" No Part Body::Short(true), "The first argument that is not empty, or the last; later ones are not evaluated.";
    "print": 0 +, "print value …" No Made run(print::print), "The arguments as text; blanks between two that are both no text.";
    "printf": 1 +, "printf format value …" No Made run(print::printf), "The arguments by Go's format.";
    "println": 0 +, "println value …" No Made run(print::println), "The arguments with blanks between them, and a newline.";
    "quote": 0 +, "quote value …" No Made run(text::quote), "Each argument in double quotes, escaped as in Go; nulls are left out.";
    "replace": 3 3, "replace old new text" No Made run(text::replace), "`text` with `new` for every `old`.";
    "required": 2 2, "required message value" Last Part run(default::required), "`value`; if it is empty text or missing, the rendering fails with `message`.";
    "secret": 1 1, "secret \"path\"" No Part run(secret::secret), "The secret at `path`; what is made of it is never shown.";
    "sha256sum": 1 1, "sha256sum text" No Made run(encoding::sha256sum), "The SHA-256 of `text` in hexadecimal.";
    "slice": 1 4, "slice value from to" No Made run(collection::slice), "The part of a list or text (in bytes) from `from` up to `to`.";
    "sortAlpha": 1 1, "sortAlpha list" No Part run(collection::sort_alpha), "The items as text, sorted bytewise.";
    "split": 2 2, "split separator text" No Made run(text::split), "The list of the parts of `text` between the separators.";
    "squote": 0 +, "squote value …" No Made run(text::squote), "Each argument in single quotes, not escaped; nulls are left out.";
    "sub": 2 2, "sub a b" No Made run(arithmetic::sub), "The difference of whole numbers.";
    "title": 1 1, "title text" No Made run(text::title), "`text` with the first letter of each word in title case.";
    "toJson": 1 1, "toJson value" No Made run(encoding::to_json), "`value` as JSON on one line; `<`, `>` and `&` stay as they are.";
    "toYaml": 1 1, "toYaml value" No Made run(encoding::to_yaml), "`value` as YAML in block style, without a newline at the end.";
    "trim": 1 1, "trim text" No Made run(text::trim), "`text` without blanks and newlines at both ends.";
    "trimAll": 2 2, "trimAll characters text" No Made run(text::trim_all), "`text` without any of `characters` at both ends.";
    "trimLeft": 2 2, "trimLeft characters text" No Made run(text::trim_left), "`text` without any of `characters` at its start.";
    "trimPrefix": 2 2, "trimPrefix prefix text" No Made run(text::trim_prefix), "`text` without `prefix`, if it starts with it.";
    "trimRight": 2 2, "trimRight characters text" No Made run(text::trim_right), "`text` without any of `characters` at its end.";
    "trimSuffix": 2 2, "trimSuffix suffix text" No Made run(text::trim_suffix), "`text` without `suffix`, if it ends with it.";
    "uniq": 1 1, "uniq list" No Part run(collection::uniq), "The items of `list`, each once, in the order of their first.";
    "upper": 1 1, "upper text" No Made run(text::upper), "`text` in upper case.";
    "urlquery": 1 +, "urlquery value …" No Made run(escape::urlquery), "The arguments as printed, escaped for the query of a URL.";
}

/// Returns all functions, sorted by name.
pub fn functions() -> &'static [Function] {
    FUNCTIONS
}

/// Returns the function `name` and its index.
pub(in super::super) fn find(name: &str) -> Option<(u16, &'static Function)> {
    let index = FUNCTIONS.binary_search_by(|f| f.name.cmp(name)).ok()?;
    Some((index as u16, FUNCTIONS.get(index)?))
}

/// Returns the function at `index`.
pub(in super::super) fn at(index: u16) -> Option<&'static Function> {
    FUNCTIONS.get(usize::from(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_how_to_call() {
        for pair in FUNCTIONS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
        for f in FUNCTIONS {
            assert!(f.usage.split(' ').next() == Some(f.name), "{}", f.name);
            assert!(f.doc.ends_with('.'), "{}", f.name);
            assert!(f.args_max.is_none_or(|max| max >= f.args_min), "{}", f.name);
        }
    }
}
