//! A command line that cannot be read, said as clap does it, but for two kinds of values: one that
//! may be a URL with a secret is not quoted, and what a terminal would obey is escaped.

use anstream::adapter::strip_str;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use pushest_proto::{Escaped, needs_escape};

use crate::output::without_threads;

/// Says what is wrong with the command line, and ends.
pub(crate) fn refuse(error: &clap::Error) -> ! {
    let values = values(error);
    if is_insecure(error) {
        // That there is nowhere to print it changes nothing.
        let _ = error.print();
        without_threads(
            "There is no --insecure: any machine on the way could pose as the server. Trust the \
             certificate of a server of your own with --ca-file FILE.",
        );
        std::process::exit(error.exit_code());
    }
    if values.is_empty() {
        error.exit()
    }
    // With its colours: without them, what looks like a colour would be gone from the values, too,
    // and they would not be found.
    let text = values.iter().fold(error.render().ansi().to_string(), |text, value| {
        let shown = if may_be_secret(value) { "…".into() } else { Escaped(value).to_string() };
        text.replace(value, &shown)
    });
    strip_str(&text).to_string().lines().for_each(without_threads);
    std::process::exit(error.exit_code())
}

/// What was given and must not be repeated as it came, the longest first: one may be a part of
/// another.
fn values(error: &clap::Error) -> Vec<&str> {
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    let given = error.context().filter_map(|(kind, value)| match (kind, value) {
        // Here an option of ours is named, with what it takes: `--header <NAME:VALUE>`.
        (ContextKind::InvalidArg, _) if !is_unknown => None,
        (ContextKind::PriorArg, _) => None,
        (_, ContextValue::String(value)) => Some(value.as_str()),
        _ => None,
    });
    let must_change = |value: &&str| may_be_secret(value) || value.contains(needs_escape);
    let mut values: Vec<&str> = given.filter(must_change).collect();
    values.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
    values
}

/// Whether an option is wanted that other programs have.
fn is_insecure(error: &clap::Error) -> bool {
    let given = error.get(ContextKind::InvalidArg);
    matches!(given, Some(ContextValue::String(option)) if option == "--insecure")
}

fn may_be_secret(value: &str) -> bool {
    value.contains(['@', ':'])
}
