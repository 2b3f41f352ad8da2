//! What each fault does, by its name.

use pushest_testkit::{ApiFault, EchoForm, RefusalEnd, Server, Target, UpgradeFault};

use super::{Fault, Kind, Takes, Times, Value, When};

/// The code in a close frame or an error.
const CODE: Takes = Takes::Number("CODE", 1000, 4999);
const STATUS: Takes = Takes::Number("STATUS", 200, 599);

pub(super) const REASON: &str = "a fault, as told";

pub(super) static KINDS: [Kind; 29] = [
    kind("http", STATUS, When::Upgrade, "an HTTP answer with this status", |server, fault, _| {
        fault.upgrades(server, UpgradeFault::status(fault.number(), &[]));
    }),
    kind(
        "http-echo",
        STATUS,
        When::Upgrade,
        "the same, and the page repeats the request",
        |server, fault, _| {
            let (status, headers) = (fault.number(), Vec::new());
            fault.upgrades(server, UpgradeFault::Echo { status, headers, form: EchoForm::Html });
        },
    ),
    kind("http-ignore", Takes::Nothing, When::Upgrade, "no answer", |server, fault, _| {
        fault.upgrades(server, UpgradeFault::Ignore);
    }),
    kind(
        "http-junk",
        Takes::Nothing,
        When::Upgrade,
        "bytes that are no HTTP, and the end",
        |server, fault, _| {
            fault.upgrades(server, UpgradeFault::Raw(b"\x00no HTTP\x1b[31m\r\n\r\n".to_vec()));
        },
    ),
    kind(
        "http-stall",
        Takes::Nothing,
        When::Upgrade,
        "half an answer, and silence",
        |server, fault, _| {
            fault.upgrades(server, UpgradeFault::Stall(b"HTTP/1.1 101 Swi".to_vec()));
        },
    ),
    kind(
        "http-slow",
        Takes::Number("BYTES", 1, 1000),
        When::Upgrade,
        "a WebSocket behind an answer in pieces of this many bytes",
        |server, fault, _| {
            let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: \
                      websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";
            let answer = answer.to_owned();
            fault.upgrades(server, UpgradeFault::Rewrite { answer, piece: fault.number().into() });
        },
    ),
    kind("api-http", STATUS, When::Api, "an HTTP answer with this status", |server, fault, _| {
        fault.calls(server, ApiFault::status(fault.number(), &[]));
    }),
    kind(
        "api-later",
        Takes::Number("SECONDS", 0, 3600),
        When::Api,
        "503, to come again after this time",
        |server, fault, _| {
            let seconds = fault.number().to_string();
            fault.calls(server, ApiFault::status(503, &[("Retry-After", &seconds)]));
        },
    ),
    kind("api-ignore", Takes::Nothing, When::Api, "no answer", |server, fault, _| {
        fault.calls(server, ApiFault::Ignore);
    }),
    kind(
        "api-cut",
        Takes::Nothing,
        When::Api,
        "the end of the connection; nothing is carried out",
        |server, fault, _| {
            fault.calls(server, ApiFault::Cut);
        },
    ),
    kind(
        "api-lose-answer",
        Takes::Nothing,
        When::Api,
        "the end of the connection; the call is carried out",
        |server, fault, _| {
            fault.calls(server, ApiFault::LoseAnswer);
        },
    ),
    kind(
        "no-handshake",
        Takes::Nothing,
        When::Always,
        "a WebSocket on which nothing is said",
        |server, _, _| {
            server.withhold_handshake(true);
        },
    ),
    kind(
        "refuse",
        CODE,
        When::Always,
        "every connection is refused, in the profile's form",
        |server, fault, _| {
            server.refuse_connections(Some((fault.number(), REASON)));
        },
    ),
    kind(
        "refuse-open",
        CODE,
        When::Always,
        "the same: an error, and the socket stays open",
        |server, fault, _| {
            fault.refuse(server, RefusalEnd::Open);
        },
    ),
    kind(
        "refuse-silence",
        CODE,
        When::Always,
        "the same: an error, and no close frame is answered",
        |server, fault, _| {
            fault.refuse(server, RefusalEnd::Silence);
        },
    ),
    kind(
        "refuse-no-code",
        CODE,
        When::Always,
        "the same: an error, and a close frame without a code",
        |server, fault, _| {
            fault.refuse(server, RefusalEnd::CloseWithoutCode);
        },
    ),
    kind(
        "refuse-drop",
        CODE,
        When::Always,
        "the same: an error, and the connection just ends",
        |server, fault, _| {
            fault.refuse(server, RefusalEnd::Drop);
        },
    ),
    kind(
        "refuse-reset",
        CODE,
        When::Always,
        "the same: an error, and a TCP reset",
        |server, fault, _| {
            fault.refuse(server, RefusalEnd::Reset);
        },
    ),
    kind(
        "delay",
        Takes::Number("MILLISECONDS", 1, 600_000),
        When::Always,
        "every message comes so much later",
        |server, fault, _| {
            server.set_delay(fault.milliseconds());
        },
    ),
    kind(
        "deny",
        Takes::Channel,
        When::Always,
        "subscriptions to this channel are refused",
        |server, fault, _| {
            if let Value::Text(channel) = &fault.value {
                server.deny(channel, REASON);
            }
        },
    ),
    kind(
        "members-junk",
        Takes::Nothing,
        When::Always,
        "lists of members that cannot be read",
        |server, _, _| {
            server.replace_presence_data(Some("no list of members"));
        },
    ),
    kind(
        "close",
        CODE,
        When::Strike,
        "a close frame with this code; with 1006 there is none",
        |server, fault, _| {
            server.close(Target::All, fault.number(), REASON);
        },
    ),
    kind(
        "drop",
        Takes::Nothing,
        When::Strike,
        "the connection ends, without a close frame",
        |server, _, _| {
            server.drop_connections(Target::All);
        },
    ),
    kind("reset", Takes::Nothing, When::Strike, "a TCP reset", |server, _, _| {
        server.reset_connections(Target::All);
    }),
    kind(
        "stop-answering",
        Takes::Nothing,
        When::Strike,
        "nothing is sent any more, not even pongs",
        |server, _, _| {
            server.stop_answering(Target::All);
        },
    ),
    kind(
        "stop-reading",
        Takes::Nothing,
        When::Strike,
        "nothing is read, from one strike to the next",
        |server, _, times| {
            if times.is_multiple_of(2) {
                server.stop_reading(Target::All);
            } else {
                server.resume_reading(Target::All);
            }
        },
    ),
    kind(
        "error",
        CODE,
        When::Strike,
        "a pusher:error with this code; the connection stays",
        |server, fault, _| {
            server.send_error(Target::All, Some(fault.number()), REASON);
        },
    ),
    kind(
        "junk",
        Takes::Nothing,
        When::Strike,
        "a message that is no JSON, and a binary one",
        |server, _, _| {
            server.send_raw(Target::All, "no JSON \u{1b}[31m");
            server.send_binary(Target::All, b"\x00\xff");
        },
    ),
    kind(
        "junk-bytes",
        Takes::Nothing,
        When::Strike,
        "bytes that are no WebSocket frame",
        |server, _, _| {
            server.send_bytes(Target::All, b"\xff\xff\xff\xff");
        },
    ),
];

const fn kind(
    name: &'static str,
    takes: Takes,
    when: When,
    help: &'static str,
    act: fn(&Server, &Fault, Times),
) -> Kind {
    Kind { name, takes, when, help, act }
}
