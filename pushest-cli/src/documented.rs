//! The page `docs/command.md` says what the help says.

use clap::CommandFactory as _;

use crate::arguments::{Arguments, wrong_certificates};
use crate::faults;

const PAGE: &str = include_str!("../docs/command.md");

/// What stands under a heading, up to the next one of its level.
fn section(heading: &str) -> &'static str {
    let start = PAGE.find(&format!("\n{heading}\n"));
    let (_, text) = PAGE.split_at(start.unwrap_or_else(|| panic!("no section {heading}")) + 1);
    let text = text.split_once('\n').expect("a heading has a line").1;
    let level = heading.split(' ').next().expect("split gives one part");
    text.split(&format!("\n{level} ")).next().expect("split gives one part")
}

#[test]
fn every_command_has_its_section_and_every_option_its_place() {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    let common = section("## What all commands have in common");
    for command in program.get_subcommands() {
        let own = section(&format!("## pushest {}", command.get_name()));
        for option in command.get_arguments().filter_map(|option| option.get_long()) {
            let is_there = |text: &str| {
                // Not as the beginning of a longer one.
                text.match_indices(&format!("--{option}")).any(|(at, word)| {
                    let next = text[at + word.len()..].chars().next();
                    next.is_none_or(|next| !next.is_ascii_alphanumeric() && next != '-')
                })
            };
            let is_told = option == "help" || is_there(own) || is_there(common);
            assert!(is_told, "no --{option} for {}", command.get_name());
        }
    }
}

#[test]
fn every_exit_status_and_fault_is_there() {
    let common = section("## What all commands have in common");
    for status in ["| 0 |", "| 1 |", "| 2 |", "| 130, 143 |"] {
        assert!(common.contains(status), "{status}");
    }
    let serve = section("## pushest serve");
    let certificates = wrong_certificates().map(|it| it.name().to_owned());
    for usage in faults::usages().chain(certificates) {
        assert!(serve.contains(&format!("`{usage}`")), "no {usage}");
    }
}

/// What the samples print has a row with its type and all of its fields, and the help has the type.
#[test]
fn every_json_line_is_there_with_its_fields() {
    let help: String = {
        let mut program = Arguments::command();
        let commands = program.get_subcommands_mut();
        commands.map(|command| command.render_long_help().to_string()).collect()
    };
    let form = section("## The JSON form");
    for (kind, fields) in crate::output::kinds() {
        let name = format!("`{kind}`");
        let lines = || form.lines().filter(|line| line.contains(&name));
        let is_told = |field: &String| {
            // A row, or a sentence, that goes on in the next line.
            lines().any(|line| line.contains(&format!("`{field}`")))
                || form.contains(&format!("{name} (`{field}`"))
                || form
                    .split("\n\n")
                    .any(|it| it.contains(&name) && it.contains(&format!("`{field}`")))
        };
        assert!(lines().count() > 0, "no {name}");
        for field in &fields {
            assert!(is_told(field), "{name}: no `{field}`");
        }
        assert!(help.contains(&format!("\"{kind}\"")), "the help has no \"{kind}\"");
    }
}
