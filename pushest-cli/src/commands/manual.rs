//! `pushest manual`: the help as a manual page, in the language of `man` (roff).

use std::io;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::arguments::{Arguments, ManualArguments};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(arguments: &ManualArguments, output: &Output) -> Result<(), Failure> {
    let program = program();
    let page = match &arguments.command {
        None => whole(&program),
        Some(name) => match program.find_subcommand(name) {
            Some(command) => one(command),
            None => {
                let names: Vec<&str> = program.get_subcommands().map(Command::get_name).collect();
                return Err(Failure::input(format_args!(
                    "{name:?} is no command: the commands are {}",
                    names.join(", ")
                )));
            }
        },
    };
    output.verbatim(page.map_err(Failure::failed)?)?;
    Ok(())
}

/// The program with all that its commands have in common.
fn program() -> Command {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    program
}

/// The page of the program, with all of its commands.
fn whole(program: &Command) -> io::Result<String> {
    let mut page = head(program)?;
    page += &sections(program, "SH")?;
    page += ".SH COMMANDS\n";
    for command in program.get_subcommands() {
        page += &format!(".TP\n\\fB{}\\fR\n{}", name(command), escaped(&about(command)));
    }
    page += ".SH EXIT STATUS\n";
    page += &notes(program);
    for command in program.get_subcommands() {
        page += &format!(".SH {}\n", name(command).to_uppercase());
        page += &escaped(&about(command));
        page += &sections(command, "SS")?;
        page += ".SS NOTES\n";
        page += &notes(command);
    }
    Ok(without_repetition(&page))
}

/// The page of one command.
fn one(command: &Command) -> io::Result<String> {
    let mut page = head(command)?;
    page += &sections(command, "SH")?;
    page += ".SH NOTES\n";
    page += &notes(command);
    Ok(without_repetition(&page))
}

fn name(command: &Command) -> String {
    command.get_bin_name().unwrap_or(command.get_name()).to_owned()
}

fn about(command: &Command) -> String {
    command.get_about().map(|text| format!("{text}\n")).unwrap_or_default()
}

fn head(command: &Command) -> io::Result<String> {
    let source = format!("pushest {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source).manual("Pushest");
    let mut head = Vec::new();
    man.render_title(&mut head)?;
    man.render_name_section(&mut head)?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Synopsis, description and options, under headings of this level.
fn sections(command: &Command, level: &str) -> io::Result<String> {
    let man = Man::new(command.clone());
    let mut sections = Vec::new();
    man.render_synopsis_section(&mut sections)?;
    man.render_description_section(&mut sections)?;
    man.render_options_section(&mut sections)?;
    let sections = String::from_utf8_lossy(&sections);
    let heading = |line: &str| match line.strip_prefix(".SH ") {
        Some(title) => format!(".{level} {title}\n"),
        None => format!("{line}\n"),
    };
    Ok(sections.lines().map(heading).collect())
}

/// What stands below the options in the help. Paragraphs with indented lines, such as the forms of
/// JSON, keep their lines.
fn notes(command: &Command) -> String {
    let text = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let paragraph = |text: &str| {
        let keeps_lines = text.lines().any(|line| line.starts_with(' '));
        let (begin, end) = if keeps_lines { (".nf\n", ".fi\n") } else { ("", "") };
        format!(".PP\n{begin}{}\n{end}", escaped(text))
    };
    text.split("\n\n").filter(|text| !text.trim().is_empty()).map(paragraph).collect()
}

/// A text that roff shows as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut begins_line = true;
    for character in text.chars() {
        match character {
            '.' if begins_line => escaped.push_str("\\&."),
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '^' => escaped.push_str("\\(ha"),
            '~' => escaped.push_str("\\(ti"),
            other => escaped.push(other),
        }
        begins_line = character == '\n';
    }
    escaped
}

/// Each section comes with the same preparations.
fn without_repetition(page: &str) -> String {
    let is_preparation = |line: &str| line.starts_with(".ie ") || line.starts_with(".el ");
    let (mut seen, mut lines) = (Vec::new(), String::with_capacity(page.len()));
    for line in page.lines() {
        if is_preparation(line) {
            if seen.contains(&line) {
                continue;
            }
            seen.push(line);
        }
        line.chars().for_each(|character| push_ascii(&mut lines, character));
        lines.push('\n');
    }
    lines
}

/// Adds a character; what is not ASCII by its number, for not every roff is told that a page is UTF-8.
fn push_ascii(lines: &mut String, character: char) {
    if character.is_ascii() {
        lines.push(character);
    } else {
        lines.push_str(&format!("\\[u{:04X}]", u32::from(character)));
    }
}
