//! Every bound on what comes from outside: its unit, and why it is what it is.

/// Bytes of one YAML file: ten times the largest tree that is measured, and still parsed in a tenth of a second.
pub const FILE_BYTES_MAX: usize = 4 << 20;

/// Files of a tree.
pub const TREE_FILES_MAX: usize = 100_000;

/// Bytes of a whole tree, templates included: what a driver holds in memory.
pub const TREE_BYTES_MAX: u64 = 1 << 30;

/// Levels of folders in a tree.
pub const TREE_DEPTH_MAX: usize = 32;

/// YAML nodes of one file: 4 MiB of the shortest list items.
pub const FILE_NODES_MAX: usize = 1 << 20;

/// Bytes of one scalar: the inline content of a file (1 MiB), and room for its escapes.
pub const SCALAR_BYTES_MAX: usize = 2 << 20;

/// Levels of YAML nesting: policies need about ten; what walks a tree recursively relies on it.
pub const YAML_DEPTH_MAX: usize = 64;

/// Nodes that the aliases and merge keys of one document may add when each is written out.
pub const ALIAS_NODES_MAX: u64 = 100_000;

/// Names of one file that an editor is told of: ten for each of the resources of the largest class.
pub const FILE_MARKS_MAX: usize = 500_000;

/// Names that an editor is offered at once: nobody reads more, and what is typed on narrows them.
pub const COMPLETIONS_MAX: usize = 5000;

/// Errors reported for one file, and warnings: what comes after them is noise.
pub const FILE_ERRORS_MAX: usize = 100;

/// Errors of one class after which no more are sought: far more than anyone reads.
pub const CLASS_ERRORS_MAX: usize = 1000;

/// Mistakes for which the nearest name is sought: each is compared with all names of a tree.
pub const SUGGESTIONS_MAX: usize = 200;

/// Names that the patterns in the references of one class are compared with: 100 patterns over the largest class.
pub const PATTERN_STEPS_MAX: usize = 5_000_000;

/// Resources of one class after `foreach`: ten times what a large host has.
pub const RESOURCES_MAX: usize = 50_000;

/// Attempts after the first: each may take hours, and a salt is kept for each.
pub const RETRIES_MAX: u32 = 100;

/// Edges of one class: whole-crate references between crates of a thousand resources each still fit.
pub const EDGES_MAX: usize = 2_000_000;

/// Bytes of the path of a secret.
pub const SECRET_PATH_BYTES_MAX: usize = 512;

/// Bytes of a secret's value: a chain of certificates with its key, twice.
pub const SECRET_BYTES_MAX: usize = 64 << 10;

/// Secrets that an envoy asks for at once: a host of a thousand applications with four each.
pub const SECRETS_ASKED_MAX: usize = 4096;

/// Bytes of all values in one answer, so that it stays an answer.
pub const SECRETS_ANSWER_BYTES_MAX: usize = 4 << 20;

/// Refused questions for secrets of one envoy in a minute, after which none is looked at: nobody asks by mistake so often.
pub const SECRETS_DENIED_A_MINUTE_MAX: u32 = 10;

/// Bytes of a hostname: what DNS allows, RFC 1035 2.3.4.
pub const HOSTNAME_BYTES_MAX: usize = 253;

/// Bytes of a hostname glob: a hostname has at most 253, and its automaton must fit a set of 512 states.
pub const GLOB_BYTES_MAX: usize = 480;

/// Levels of `{…{…}…}` in a glob: the reader recurses.
pub const GLOB_LEVELS_MAX: usize = 8;

/// Pairs of states that the test whether one glob covers another looks at before it gives up and says no.
pub const GLOB_COVER_STEPS_MAX: usize = 4096;

/// Bytes of a trait's path.
pub const TRAIT_PATH_BYTES_MAX: usize = 1024;

/// Levels of maps and lists in a set of traits: custom traits have 8, below `custom.<stem>`; code that walks recurses.
pub const TRAIT_LEVELS_MAX: usize = 16;

/// Levels of a custom trait: more than a path anyone writes has steps.
pub const CUSTOM_TRAIT_LEVELS_MAX: usize = 8;

/// Bytes of an area of traits, its keys and texts with a few for each number: the packages of a large host still fit.
pub const TRAIT_AREA_BYTES_MAX: usize = 256 << 10;

/// Bytes of a `when:` text: more than anyone reads.
pub const WHEN_BYTES_MAX: usize = 4096;

/// Levels of `!` and `(` in a `when:` text: the reader recurses.
pub const WHEN_LEVELS_MAX: usize = 64;

/// Builtins in a `when:` text: each may be a look at the machine.
pub const WHEN_CALLS_MAX: usize = 256;

/// Bytes of an expression in a bundle, where conditions of arms were put in and joined.
pub const WHEN_BUNDLE_BYTES_MAX: usize = 65_536;

/// Levels of an expression in a bundle: a `when:`, with an arm's condition for a `has_configcrate`, with room.
pub const WHEN_BUNDLE_LEVELS_MAX: usize = 192;

/// Builtins of an expression in a bundle.
pub const WHEN_BUNDLE_CALLS_MAX: usize = 4096;

/// Bytes of a template's text: the largest file anyone renders is far below, and offsets fit 32 bits.
pub const TEMPLATE_TEXT_BYTES_MAX: usize = 4 << 20;

/// Steps of one rendering: an operation is one, a function one more for each 32 bytes or item it looks at. Some tens of
/// milliseconds, enough for a thousand lines from a list of a thousand maps.
pub const TEMPLATE_STEPS_MAX: u32 = 1 << 20;

/// Bytes that one rendering may produce, in its output and in all texts and lists on the way there together.
pub const TEMPLATE_OUTPUT_BYTES_MAX: usize = 16 << 20;

/// Levels of `template` calls inside each other; a template that calls itself over a tree needs a level for each of its.
pub const TEMPLATE_CALL_DEPTH_MAX: usize = 256;

/// Levels of `if`, `with`, `range`, `block` and `define` inside each other.
pub const TEMPLATE_BLOCK_DEPTH_MAX: usize = 128;

/// Levels of parentheses inside each other: the one recursion of the parser.
pub const TEMPLATE_PAREN_DEPTH_MAX: usize = 48;

/// Variables that are visible at one place.
pub const TEMPLATE_VARIABLES_MAX: usize = 1000;

/// Arguments of one function call.
pub const TEMPLATE_ARGUMENTS_MAX: usize = 1000;

/// Levels of lists and maps inside each other in a value that a template builds or prints: the depth of a recursion.
pub const TEMPLATE_VALUE_DEPTH_MAX: usize = 128;

/// Errors that are reported of one template.
pub const TEMPLATE_ERRORS_MAX: usize = 100;

/// Bytes of an encoded bundle: a class's resources are some megabytes, the rest is for shipped files.
pub const BUNDLE_BYTES_MAX: usize = 256 << 20;

/// Items of all lists of a bundle together: edges, and 100 items of data for each of the most resources.
pub const BUNDLE_ITEMS_MAX: usize = 8 << 20;

/// Levels of lists and maps in a bundle's data: YAML's, and what a `foreach` wraps around an item. The reader recurses.
pub const BUNDLE_LEVELS_MAX: usize = 96;

/// Numbers behind the highest that a connection's replay window remembers: twice what a connection has in flight, twice.
pub const REPLAY_WINDOW: u64 = 256;

/// Bytes of a request's envelope: a report of the most resources, cut to size by the agent.
pub const REQUEST_BYTES_MAX: usize = 4 << 20;

/// Bytes of an envelope of somebody who has no certificate yet: keys, a signing request, a token.
pub const ENROL_BYTES_MAX: usize = 16 << 10;

/// Bytes of an answer to one who has no certificate yet, or asks a server that may be anybody: a certificate, the key set
/// and addresses.
pub const ENROL_REPLY_BYTES_MAX: usize = 64 << 10;

/// Bytes of an answer: the largest bundle, and room for what goes with it.
pub const REPLY_BYTES_MAX: usize = BUNDLE_BYTES_MAX + (1 << 20);

/// Attempts to enrol that one source may make in a minute: a rack that is switched on behind one address takes two.
pub const ATTEMPTS_A_MINUTE_MAX: u32 = 30;

/// Attempts to enrol without a token that one source may make in a minute: a fleet that comes back from behind one address.
/// Each costs the server two signatures, and no hash of a token.
pub const CLAIMS_A_MINUTE_MAX: u32 = 3000;

/// Machines that wait for somebody to let them in: a large fleet, in some tens of megabytes.
pub const WAITING_MAX: usize = 100_000;

/// Sources whose attempts are counted; while there are more, new ones wait: some megabytes.
pub const ATTEMPT_SOURCES_MAX: usize = 65_536;

/// Classes of a published tree: each match block is one, and ten thousand are a large fleet.
pub const CLASSES_MAX: usize = 200_000;

/// Bytes of a table of classes: some globs for each of the most.
pub const CLASS_TABLE_BYTES_MAX: usize = 32 << 20;

/// Bytes of the reports that an agent keeps for its server: months of drift repaired daily.
pub const REPORTS_BYTES_MAX: u64 = 100 << 20;

/// Reports that an agent keeps for its server: what it holds of each in memory are 16 bytes.
pub const REPORTS_MAX: usize = 50_000;

/// Requests that are on their way over one connection at once: an agent's reports, check-in and secrets, with room.
pub const STREAMS_MAX: usize = 64;

/// Retired keys of each kind that a key set names, the newest: with the certificates of so many authorities it fits the
/// envelope of one who has no certificate.
pub const RETIRED_KEYS_MAX: usize = 16;

/// Bytes of one frame on TCP, behind its head: others get their turn between frames.
pub const FRAME_BYTES_MAX: usize = 16 << 10;

/// Bytes that a side may send on a stream before the other asks for more: what one that reads nothing makes it hold.
pub const STREAM_CREDIT: usize = 64 << 10;

/// Bytes of a program of the agent: one is ten megabytes, one with all its symbols some tens.
pub const PROGRAM_BYTES_MAX: u64 = 256 << 20;

/// Things in which two publishes differ that are shown: more than anybody reads, and an answer of some megabytes.
pub const DIFFERENCES_MAX: usize = 10_000;

/// Kinds of machines, by policy and system, of which a publish looks whether they can do what they are to get: about a
/// second of work, and more than a fleet of one operator has.
pub const KINDS_LOOKED_AT_MAX: usize = 256;

/// Bytes of a question to the traits of envoys: some dozens of comparisons.
pub const QUERY_BYTES_MAX: usize = 4096;

/// Levels of parentheses and `not` in such a question: its reader recurses.
pub const QUERY_LEVELS_MAX: usize = 32;

/// Bytes of an order: a task's script and its parameters.
pub const ORDER_BYTES_MAX: usize = 1 << 20;

/// Orders that one answer offers; who has as many unanswered gets no more.
pub const ORDERS_OFFERED_MAX: usize = 16;

/// Orders whose names an agent remembers: more than one server gives in an hour.
pub const ORDERS_KEPT_MAX: usize = 1024;

/// Files of a backup: fifty publishes of the largest trees.
pub const BACKUP_FILES_MAX: usize = 2_000_000;

/// Bytes of a path in a backup: the longest in a tree, below its publish.
pub const BACKUP_PATH_BYTES_MAX: usize = 512;

/// Steps of a path in a backup: what unpacks them holds a folder for each.
pub const BACKUP_PATH_STEPS_MAX: usize = 40;

/// Bytes of the manifest of a backup: a hundred for each of the most files, and what a program may hold of it in memory.
pub const BACKUP_MANIFEST_BYTES_MAX: usize = 255 << 20;

/// Milliseconds between two looks at the newest backup: bits rot in months, and a look reads all of it.
pub const BACKUP_VERIFY_PERIOD_MS: u64 = 7 * 86_400_000;

/// Milliseconds until a backup that failed is tried again: time for a disk to be mounted, or to be cleared.
pub const BACKUP_RETRY_MS_MIN: u64 = 300_000;

/// The same after many failures: four a day are enough for whoever mends it at night.
pub const BACKUP_RETRY_MS_MAX: u64 = 6 * 3_600_000;

/// Milliseconds until somebody who could not be told is told again.
pub const NOTICE_RETRY_MS_MIN: u64 = 5000;

/// The same after many failures: whoever comes back should hear of it soon.
pub const NOTICE_RETRY_MS_MAX: u64 = 600_000;

/// Characters of what is told of an alarm: some chats refuse longer messages.
pub const NOTICE_CHARS_MAX: usize = 2000;

/// Recipients that something is encrypted for: a team, and some in reserve.
pub const AGE_RECIPIENTS_MAX: usize = 64;

/// Bytes of the header of something encrypted: ten for each byte that those recipients need, for kinds that have longer keys.
pub const AGE_HEADER_BYTES_MAX: usize = 128 << 10;
