//! Where a run takes place. What the system does not say is left out.

use std::fs;
use std::process::Command;

use crate::results::Machine;

/// Describes this machine.
pub(super) fn describe() -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = field(&processors, "model name").unwrap_or("a processor without a name").to_owned();
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = read("/proc/meminfo");
    let kib = field(&memory, "MemTotal").and_then(|size| size.strip_suffix(" kB")?.parse().ok());
    let load = read("/proc/loadavg");
    Machine {
        processor: format!("{count} × {model}"),
        memory_mib: kib.unwrap_or(0u64) / 1024,
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        versions: [("rustc", "--version"), ("node", "--version"), ("python3", "--version")]
            .into_iter()
            .filter_map(|(program, argument)| version(program, argument))
            .collect(),
        load_before: load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
        date: date().unwrap_or_default(),
    }
}

/// Returns how many files a process may have open; any number where the system does not say.
pub(super) fn open_files() -> u64 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(u64::MAX)
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

fn version(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.lines().next()?.trim();
    let has_name = text.to_lowercase().starts_with(&program[..4]);
    Some(if has_name { text.to_owned() } else { format!("{program} {text}") })
}

fn date() -> Option<String> {
    let output = Command::new("date").args(["-u", "+%F"]).output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
