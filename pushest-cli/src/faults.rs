//! The faults of the embedded server, by names that a command line can have.

mod kinds;

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use pushest_testkit::{ApiFault, Refusal, RefusalEnd, Server, UpgradeFault};

use self::kinds::{KINDS, REASON};

/// A fault that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    kind: &'static Kind,
    value: Value,
    /// How often at most.
    count: Option<u64>,
}

/// What stands behind the `=`.
#[derive(Clone, Debug)]
enum Value {
    None,
    Number(u64),
    Text(String),
}

#[derive(Debug)]
struct Kind {
    name: &'static str,
    takes: Takes,
    when: When,
    help: &'static str,
    act: fn(&Server, &Fault, Times),
}

#[derive(Debug, Clone, Copy)]
enum Takes {
    Nothing,
    /// A number from … to ….
    Number(&'static str, u64, u64),
    Channel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Who asks for a WebSocket meets it.
    Upgrade,
    /// Who calls the HTTP API meets it.
    Api,
    /// It holds from the start on.
    Always,
    /// It befalls all connections there are, again and again.
    Strike,
}

/// How often a fault has struck before.
type Times = u64;

impl Fault {
    /// Whether it befalls the connections there are, by [`strike`](Self::strike).
    pub(crate) fn is_strike(&self) -> bool {
        self.kind.when == When::Strike
    }

    /// Switches it on, where it is none that strikes.
    pub(crate) fn switch_on(&self, server: &Server) {
        if !self.is_strike() {
            (self.kind.act)(server, self, 0);
        }
    }

    /// Strikes, unless it has struck as often as it was to; returns whether it did.
    pub(crate) fn strike(&self, server: &Server, times: Times) -> bool {
        let strikes = self.is_strike() && self.count.is_none_or(|count| times < count);
        if strikes {
            (self.kind.act)(server, self, times);
        }
        strikes
    }

    fn number(&self) -> u16 {
        match self.value {
            Value::Number(number) => number.try_into().unwrap_or(u16::MAX),
            _ => 0,
        }
    }

    fn milliseconds(&self) -> Duration {
        match self.value {
            Value::Number(number) => Duration::from_millis(number),
            _ => Duration::ZERO,
        }
    }

    fn times(&self) -> usize {
        self.count.and_then(|count| count.try_into().ok()).unwrap_or(usize::MAX)
    }

    fn upgrades(&self, server: &Server, fault: UpgradeFault) {
        server.fault_upgrades(self.times(), fault);
    }

    fn calls(&self, server: &Server, fault: ApiFault) {
        server.fault_api(self.times(), fault);
    }

    fn refuse(&self, server: &Server, end: RefusalEnd) {
        server.refuse_connections_with(Some(Refusal::error(self.number(), REASON).then(end)));
    }
}

/// As it was asked for.
impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name)?;
        match &self.value {
            Value::None => {}
            Value::Number(number) => write!(f, "={number}")?,
            Value::Text(text) => write!(f, "={text}")?,
        }
        match self.count {
            Some(count) => write!(f, "/{count}"),
            None => Ok(()),
        }
    }
}

/// Reads `NAME[=VALUE][/COUNT]`.
pub(crate) fn parse(text: &str) -> Result<Fault, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let (name, name_count) = counted(name)?;
    let kind = KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        format!("no fault has this name; the names are {}", names.join(", "))
    })?;
    let (value, value_count) = match (kind.takes, value) {
        (Takes::Nothing, None) => (Value::None, None),
        (Takes::Nothing, Some(_)) => return Err(format!("{name} takes no value")),
        // A channel's name may not have a slash.
        (_, Some(value)) => {
            let (value, count) = counted(value)?;
            (kind.takes.read(name, value)?, count)
        }
        (_, None) => return Err(format!("{name} needs a value: {}", kind.takes.rule())),
    };
    let count = name_count.or(value_count);
    if name_count.is_some() && value_count.is_some() {
        return Err("it has two counts".to_owned());
    }
    if count.is_some() && kind.when == When::Always {
        return Err(format!("{name} holds for as long as the server runs: it takes no count"));
    }
    Ok(Fault { kind, value, count })
}

fn counted(text: &str) -> Result<(&str, Option<u64>), String> {
    let Some((before, count)) = text.split_once('/') else { return Ok((text, None)) };
    match count.parse() {
        Ok(count) if count > 0 => Ok((before, Some(count))),
        _ => Err("the count behind the / is a whole number above 0".to_owned()),
    }
}

impl Kind {
    /// How it is asked for.
    fn usage(&self) -> String {
        match self.takes {
            Takes::Nothing => self.name.to_owned(),
            Takes::Number(value, ..) => format!("{}={value}", self.name),
            Takes::Channel => format!("{}=CHANNEL", self.name),
        }
    }
}

impl Takes {
    fn read(self, name: &str, text: &str) -> Result<Value, String> {
        let value = match self {
            Self::Nothing => None,
            Self::Number(_, least, most) => {
                let number = text.parse().ok().filter(|number| (least..=most).contains(number));
                number.map(Value::Number)
            }
            Self::Channel => Some(Value::Text(text.to_owned())).filter(|_| !text.is_empty()),
        };
        value.ok_or_else(|| format!("the value of {name} is {}", self.rule()))
    }

    fn rule(self) -> String {
        match self {
            Self::Nothing => "none".to_owned(),
            Self::Number(_, least, most) => format!("a whole number from {least} to {most}"),
            Self::Channel => "the name of a channel".to_owned(),
        }
    }
}

/// All of them, for the help.
pub(crate) fn help() -> String {
    let mut help = "Faults, by when they are met.".to_owned();
    for (when, title) in [
        (When::Upgrade, "Who asks for a WebSocket gets, with /COUNT only so often:"),
        (When::Api, "Who calls the HTTP API gets, with /COUNT only so often:"),
        (When::Always, "For as long as the server runs:"),
        (
            When::Strike,
            "Every --fault-every seconds, with /COUNT only so often, all connections get:",
        ),
    ] {
        write!(help, "\n{title}").expect("a String takes everything");
        for kind in KINDS.iter().filter(|kind| kind.when == when) {
            let usage = kind.usage();
            write!(help, "\n  {usage:<20}  {}", kind.help).expect("a String takes everything");
        }
    }
    help
}

/// How each of them is asked for.
#[cfg(test)]
pub(crate) fn usages() -> impl Iterator<Item = String> {
    KINDS.iter().map(Kind::usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_can_be_asked_for_and_is_shown_as_it_was() {
        for kind in &KINDS {
            let value = match kind.takes {
                Takes::Nothing => String::new(),
                Takes::Number(_, _, most) => format!("={most}"),
                Takes::Channel => "=private-a".to_owned(),
            };
            let text = format!("{}{value}", kind.name);
            assert_eq!(parse(&text).unwrap().to_string(), text);
            let counted = parse(&format!("{text}/3"));
            assert_eq!(counted.is_ok(), kind.when != When::Always, "{text}");
            assert!(help().contains(&format!("\n  {}", kind.name)));
        }
    }

    #[test]
    fn the_longest_delay_is_as_long_as_it_says() {
        let fault = parse("delay=600000").unwrap();
        assert_eq!(fault.milliseconds(), Duration::from_secs(600));
    }

    #[test]
    fn what_is_wrong_with_a_fault_is_said() {
        for (text, wanted) in [
            ("", "no fault has this name; the names are http, http-echo,"),
            ("explode", "no fault has this name"),
            ("close", "close needs a value: a whole number from 1000 to 4999"),
            ("close=", "the value of close is a whole number from 1000 to 4999"),
            ("close=5000", "from 1000 to 4999"),
            ("close=-1", "from 1000 to 4999"),
            ("http=99", "from 200 to 599"),
            ("api-http", "api-http needs a value: a whole number from 200 to 599"),
            ("api-later=3601", "from 0 to 3600"),
            ("drop=1", "drop takes no value"),
            ("deny=", "the name of a channel"),
            ("drop/0", "the count behind the / is a whole number above 0"),
            ("drop/x", "the count behind the /"),
            ("delay=5/2", "delay holds for as long as the server runs"),
            ("close/1=4200/2", "it has two counts"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
