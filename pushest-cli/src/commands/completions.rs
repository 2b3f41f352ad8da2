//! `pushest completions`: a script for a shell.

use clap::CommandFactory as _;
use clap_complete::generate;

use crate::arguments::{Arguments, CompletionsArguments};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(arguments: &CompletionsArguments, output: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut Arguments::command(), "pushest", &mut script);
    // What it is made of is text.
    output.verbatim(String::from_utf8_lossy(&script).into_owned())?;
    Ok(())
}
