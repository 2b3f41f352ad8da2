//! What the number of instructions depends on beside the sources.

use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Problem;

/// What instructions were counted with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Environment {
    rustc: String,
    valgrind: String,
    libc: String,
    /// What the processor can do, of what valgrind lets a program know: libc and others choose
    /// their code by it.
    processor: Vec<String>,
}

/// The features that valgrind passes on, by the names that Linux gives them.
const FEATURES: [&str; 16] = [
    "sse3",
    "pni",
    "ssse3",
    "sse4_1",
    "sse4_2",
    "popcnt",
    "aes",
    "pclmulqdq",
    "avx",
    "avx2",
    "f16c",
    "fma",
    "bmi1",
    "bmi2",
    "abm",
    "rdrand",
];

impl Environment {
    /// That of this machine.
    pub(super) fn here() -> Result<Self, Problem> {
        let info = std::fs::read_to_string("/proc/cpuinfo")?;
        let flags = info.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            ["flags", "Features"].contains(&name.trim()).then(|| value.trim().to_owned())
        });
        let flags = flags.unwrap_or_default();
        let has = |feature: &&str| flags.split(' ').any(|flag| flag == *feature);
        let mut processor = vec![std::env::consts::ARCH.to_owned()];
        processor.extend(FEATURES.iter().filter(|feature| has(feature)).map(|it| (*it).to_owned()));
        Ok(Self {
            rustc: first_line("rustc", "--version")?,
            valgrind: first_line("valgrind", "--version")?,
            libc: first_line("ldd", "--version")?,
            processor,
        })
    }

    /// Returns what differs, in words.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let pairs = [
            ("rustc", &self.rustc, &other.rustc),
            ("valgrind", &self.valgrind, &other.valgrind),
            ("libc", &self.libc, &other.libc),
            ("processor", &self.processor.join(" "), &other.processor.join(" ")),
        ];
        let differing = pairs.into_iter().filter(|(_, mine, its)| mine != its);
        differing.map(|(what, mine, its)| format!("{what}: {mine:?}, here {its:?}")).collect()
    }
}

fn first_line(program: &str, argument: &str) -> Result<String, Problem> {
    let output = Command::new(program).arg(argument).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().next().ok_or_else(|| format!("{program} has no version"))?;
    Ok(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_compiler_is_another_environment() {
        let here = Environment {
            rustc: "rustc 1".into(),
            valgrind: "valgrind-3".into(),
            libc: "ldd 2".into(),
            processor: vec!["x86_64".into()],
        };
        assert!(here.differences(&here.clone()).is_empty());
        let other = Environment { rustc: "rustc 2".into(), ..here.clone() };
        assert_eq!(here.differences(&other), [r#"rustc: "rustc 1", here "rustc 2""#]);
    }
}
