//! Completions for shells, and the manual page.

use std::process::{Command, Stdio};

use crate::support::{Ended, pushest};

const COMMANDS: [&str; 17] = [
    "demo",
    "serve",
    "listen",
    "replay",
    "publish",
    "channels",
    "channel",
    "users",
    "terminate",
    "trigger",
    "members",
    "doctor",
    "sign",
    "auth-server",
    "webhooks",
    "completions",
    "manual",
];

fn printed(arguments: &[&str]) -> String {
    let ended = pushest(arguments);
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""), "{arguments:?}: {}", ended.stderr);
    ended.stdout.join("\n") + "\n"
}

/// Gives a text to another program, where it is there.
fn fed(program: &str, arguments: &[&str], text: &str) -> Option<Ended> {
    use std::io::Write as _;

    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let mut stdin = child.stdin.take().unwrap();
    let text = text.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let lines = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(Ended { status: output.status.code(), stdout: lines, stderr })
}

#[test]
fn every_shell_gets_a_script_with_every_command_and_option() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        for word in COMMANDS {
            assert!(script.contains(word), "{shell}: no {word}");
        }
        for option in ["timestamps", "ca-file", "fault-every", "profile", "verbose", "json"] {
            assert!(script.contains(option), "{shell}: no {option}");
        }
        assert_eq!(printed(&["completions", shell, "--json"]), script, "{shell}");
    }
    let ended = pushest(&["completions", "tcsh"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("tcsh") && ended.stderr.contains("bash"), "{ended:?}");
}

#[test]
fn bash_reads_its_script_and_completes_with_it() {
    let script = printed(&["completions", "bash"]);
    let Some(checked) = fed("bash", &["-n"], &script) else { return };
    assert_eq!((checked.status, &*checked.stderr), (Some(0), ""), "{checked:?}");
    let completes = |words: &str, wanted: &[&str]| {
        let ask = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _pushest pushest \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        let answer = fed("bash", &[], &ask).unwrap();
        assert_eq!(answer.stdout, wanted, "{words}: {answer:?}");
    };
    completes("pushest ser", &["serve"]);
    completes("pushest listen --time", &["--timestamps", "--timeout"]);
    completes("pushest serve --profile so", &["soketi", "sockudo"]);
}

#[test]
fn the_manual_has_its_sections_and_every_command_and_option() {
    let page = printed(&["manual"]);
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS"] {
        assert!(page.contains(&format!("\n.SH {section}\n")), "no {section}");
    }
    assert_eq!(page.matches("\n.TH ").count(), 1);
    for command in COMMANDS {
        let title = format!("\n.SH PUSHEST {}\n", command.to_uppercase());
        assert!(page.contains(&title), "no {title}");
        let own = printed(&["manual", command]);
        assert!(own.is_ascii(), "not every roff reads UTF-8: {command}");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"] {
            assert!(own.contains(&format!("\n.SH {section}\n")), "{command}: no {section}");
        }
        assert!(own.contains(&format!(".TH pushest-{command} 1")), "{own}");
        // What its help has, its page has.
        let help = printed(&[command, "--help"]);
        let options = help.split_whitespace().filter_map(|word| word.strip_prefix("--"));
        let is_letter = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        for option in options {
            let name: String = option.chars().take_while(|letter| is_letter(*letter)).collect();
            if !name.is_empty() {
                let name = name.replace('-', "\\-");
                assert!(own.contains(&format!("\\-\\-{name}")), "{command}: no {option}");
            }
        }
    }
    let ended = pushest(&["manual", "sing"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("\"sing\"") && ended.stderr.contains("sign"), "{ended:?}");
}

#[test]
fn man_shows_the_manual_without_complaint() {
    let page = printed(&["manual"]);
    let Some(shown) = fed("groff", &["-man", "-Tutf8", "-Kutf8", "-ww", "-P-cbou"], &page) else {
        return;
    };
    assert_eq!((shown.status, &*shown.stderr), (Some(0), ""), "{}", shown.stderr);
    let text = shown.stdout.join("\n");
    for words in ["EXIT STATUS", r#"{"type":"cache_miss",…,"channel":…}"#, r"escaped, as \u{1b};"]
    {
        let words: Vec<&str> = words.split_whitespace().collect();
        let has =
            text.split_whitespace().collect::<Vec<_>>().windows(words.len()).any(|it| it == words);
        assert!(has, "no {words:?} in {text}");
    }
}
