//! The tables in the module's documentation against what the machine does.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;
use crate::config::backoff::BackoffConfig;

/// Returns the lines of the tables in the documentation, without their heads, as cells.
fn table(number: usize) -> Vec<Vec<String>> {
    let mut tables: Vec<Vec<Vec<String>>> = Vec::new();
    let mut is_within = false;
    for line in include_str!("../request.rs").lines() {
        let Some(row) = line.strip_prefix("//! |") else {
            is_within = false;
            continue;
        };
        if !is_within {
            tables.push(Vec::new());
            is_within = true;
        }
        let cells = row.trim_end_matches('|').split('|');
        let cells = cells.map(|cell| cell.replace('`', "").trim().to_string());
        tables.last_mut().expect("one was begun").push(cells.collect());
    }
    // A head, and the line under it.
    tables.swap_remove(number).split_off(2)
}

fn words(cell: &str) -> Vec<&str> {
    cell.split(", ").filter(|word| !word.is_empty()).collect()
}

const STEPS: [&str; 8] =
    ["Idle", "Authorizing", "Ready", "Sent", "Pausing", "Done", "Rekeying", "Failed"];

const SAID: [&str; 15] = [
    "Wanted",
    "Changed",
    "Retried",
    "Unwanted",
    "Connected",
    "Turn",
    "Granted",
    "Denied",
    "Unavailable",
    "Confirmed",
    "Refused",
    "TooLarge",
    "TimeUp",
    "KeyOutdated",
    "Lost",
];

/// What a row may depend on, beside the step and what is said.
#[derive(Debug, Clone, Copy)]
struct World {
    asks: bool,
    has_room: bool,
    has_tries_left: bool,
    has_failed: bool,
}

impl World {
    fn all() -> impl Iterator<Item = Self> {
        (0..16).map(|bits| Self {
            asks: bits & 1 != 0,
            has_room: bits & 2 != 0,
            has_tries_left: bits & 4 != 0,
            has_failed: bits & 8 != 0,
        })
    }

    fn is(self, condition: &str) -> bool {
        match condition {
            "asks" => self.asks,
            "signs" => !self.asks,
            "room" => self.has_room,
            "no room" => !self.has_room,
            "tries left" => self.has_tries_left,
            "no tries left" => !self.has_tries_left,
            "a failure" => self.has_failed,
            "no failure" => !self.has_failed,
            other => panic!("the table has a condition that nobody knows: {other:?}"),
        }
    }

    fn rules(self) -> Rules {
        Rules { asks: self.asks, tries: 3 }
    }

    fn request(self, step: &str) -> Request {
        let step = match step {
            "Idle" => Step::Idle,
            "Authorizing" => Step::Authorizing,
            "Ready" => Step::Ready(Box::new(Authorization::new("key:signature"))),
            "Sent" => Step::Sent,
            "Pausing" => Step::Pausing,
            "Done" => Step::Done,
            "Rekeying" => Step::Rekeying,
            "Failed" => Step::Failed,
            other => panic!("the table has a step that does not exist: {other:?}"),
        };
        let failure = RequestFailure::AuthorizationRefused(AuthorizationError::refused(None, "no"));
        Request {
            step,
            tries: if self.has_tries_left { 2 } else { 3 },
            failure: self.has_failed.then(|| Box::new(failure)),
            ..Request::default()
        }
    }

    fn said(self, said: &str) -> Said {
        match said {
            "Wanted" => Said::Wanted,
            "Changed" => Said::Changed,
            "Retried" => Said::Retried,
            "Unwanted" => Said::Unwanted,
            "Connected" => Said::Connected,
            "Turn" => Said::Turn { order: Order(7), has_room: self.has_room },
            "Granted" => Said::Granted(Box::new(Authorization::new("key:signature"))),
            "Denied" => Said::Denied(AuthorizationError::refused(None, "no")),
            "Unavailable" => Said::Unavailable(AuthorizationError::unavailable(None, "later")),
            "Confirmed" => Said::Confirmed,
            "Refused" => Said::Refused(ServerError {
                code: None,
                message: "no".into(),
                channel: None,
                in_reply_to: None,
                inferred: false,
            }),
            "TooLarge" => Said::TooLarge,
            "TimeUp" => Said::TimeUp,
            "KeyOutdated" => Said::KeyOutdated,
            "Lost" => Said::Lost,
            other => panic!("the table has something said that cannot be: {other:?}"),
        }
    }
}

/// Returns the variant's name, as `Debug` begins with it.
fn name(value: &impl core::fmt::Debug) -> String {
    format!("{value:?}").split(['(', ' ', '{']).next().unwrap_or_default().to_string()
}

/// Returns all names of an enum's variants, as the source has them: none is left out of the walk.
fn variants(of: &str) -> Vec<String> {
    let source = include_str!("../request.rs");
    let (_, body) = source.split_once(&format!("enum {of} {{\n")).expect("it is there");
    let (body, _) = body.split_once("\n}").expect("it ends");
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let named = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    named.map(|line| line.split(['(', ' ', '{', ',']).next().expect("a name").to_string()).collect()
}

fn backoff() -> Backoff {
    Backoff::new(BackoffConfig::default(), fastrand::Rng::with_seed(1))
}

#[test]
fn the_machine_does_what_its_table_says_for_each_step_and_everything_that_it_is_told() {
    assert_eq!(variants("Step"), STEPS);
    assert_eq!(variants("Said"), SAID);
    let rows = table(0);
    for row in &rows {
        let steps = words(row[0].trim_start_matches("any").trim_start_matches(" but "));
        assert!(steps.iter().all(|step| STEPS.contains(step)), "a step that there is not: {row:?}");
        assert!(words(&row[1]).iter().all(|said| SAID.contains(said)), "never said: {row:?}");
    }
    let mut used = alloc::vec![false; rows.len()];
    for step in STEPS {
        for said in SAID {
            for world in World::all() {
                let mut request = world.request(step);
                let next = request.on(world.said(said), world.rules(), &mut backoff());
                let fits = |row: &Vec<String>| {
                    let is_step = match row[0].strip_prefix("any") {
                        Some(but) => !words(but.trim_start_matches(" but ")).contains(&step),
                        None => words(&row[0]).contains(&step),
                    };
                    is_step
                        && words(&row[1]).contains(&said)
                        && words(&row[2]).into_iter().all(|condition| world.is(condition))
                };
                let fitting: Vec<usize> =
                    (0..rows.len()).filter(|index| fits(&rows[*index])).collect();
                assert!(fitting.len() < 2, "two rows for {step}, {said}, {world:?}");
                let expected = match fitting.first() {
                    Some(index) => {
                        used[*index] = true;
                        [rows[*index][3].clone(), rows[*index][4].clone()]
                    }
                    None => [step.to_string(), "Nothing".to_string()],
                };
                let found = [name(&request.step), name(&next)];
                assert_eq!(found, expected, "{step}, {said}, {world:?}");
            }
        }
    }
    let unused = rows.iter().zip(used).find(|(_, is_used)| !is_used);
    assert_eq!(unused, None, "a row that no step and nothing said leads to");
}

#[test]
fn each_step_is_reached_only_with_what_has_it_looked_at_again() {
    let reached = table(1);
    assert_eq!(reached.iter().map(|row| row[0].clone()).collect::<Vec<_>>(), STEPS);
    for row in &reached {
        let transitions = table(0).into_iter().filter(|transition| transition[3] == row[0]);
        let leading: BTreeSet<String> =
            transitions.map(|transition| transition[4].clone()).collect();
        let said: BTreeSet<String> = words(&row[2]).into_iter().map(ToString::to_string).collect();
        assert_eq!(said, leading, "{}", row[0]);
    }
    for row in table(0) {
        let [_, said, _, becomes, next] = &row[..] else { panic!("a row with {row:?}") };
        assert!(STEPS.contains(&becomes.as_str()), "{row:?}");
        // Nothing but the user and the end of a connection takes a request from everywhere.
        assert_eq!(next == "Rest", said == "Unwanted" || said == "Lost", "{row:?}");
    }
}

#[test]
fn what_is_left_only_by_something_that_waits_must_stand_in_the_agenda() {
    let world = World::all().next().expect("there are sixteen");
    for row in table(1) {
        // What `Idle` waits for is a connection, or else it is not wanted.
        let is_end = row[1].starts_with("nothing") || row[0] == "Idle";
        assert_eq!(world.request(&row[0]).waits(), !is_end, "{row:?}");
    }
}

#[test]
fn an_authorization_and_a_failure_that_are_kept_are_counted() {
    assert_eq!(Request::default().memory(), 0);
    let granted = Authorization::new("a".repeat(1_000));
    let granted_bytes = allocation(size_of::<Authorization>()) + allocation(1_000);
    let mut request = Request { step: Step::Ready(Box::new(granted)), ..Request::default() };
    assert_eq!(request.memory(), granted_bytes);
    let failure =
        RequestFailure::AuthorizationRefused(AuthorizationError::refused(None, &"b".repeat(500)));
    let failure_bytes = allocation(size_of::<RequestFailure>()) + allocation(500);
    request.failure = Some(Box::new(failure));
    assert_eq!(request.memory(), granted_bytes + failure_bytes);
}
