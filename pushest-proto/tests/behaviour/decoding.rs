//! Events as values: of one shape, and as the variant of an enum that has the event's name.

use std::collections::BTreeMap;

use pushest_proto::{ChannelEvent, Event, EventDecoder};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::Harness;

fn event(message: &str) -> ChannelEvent {
    let mut harness = Harness::connected();
    harness.subscribed("x");
    harness.receive(message);
    match &harness.events()[..] {
        [Event::Channel(event)] => event.clone(),
        other => panic!("{message:.200}: {other:?}"),
    }
}

/// An event with this `data`, as it stands in the message; without any if it is empty.
fn named(name: &str, data: &str) -> ChannelEvent {
    let name = Value::from(name);
    let data = if data.is_empty() { String::new() } else { format!(r#","data":{data}"#) };
    event(&format!(r#"{{"event":{name},"channel":"x"{data}}}"#))
}

/// The same with data that is JSON in a string, as most servers send it.
fn within(name: &str, data: &str) -> ChannelEvent {
    named(name, &Value::from(data).to_string())
}

#[derive(Debug, PartialEq, Deserialize)]
struct Address {
    street: String,
}

#[derive(Debug, PartialEq, Deserialize)]
enum Way {
    Road,
    Sea,
}

#[derive(Debug, PartialEq, Deserialize)]
enum OrderEvent {
    #[serde(rename = r"App\Events\OrderShipped")]
    Shipped { id: u64, way: Option<Way> },
    #[serde(rename = "moved", alias = "order.moved")]
    Moved(Address),
    #[serde(rename = "note")]
    Note(String),
    #[serde(rename = "number")]
    Number(f64),
    #[serde(rename = "size")]
    Size(u8, u8),
    #[serde(rename = "maybe")]
    Maybe(Option<u8>),
    #[serde(rename = "anything")]
    Anything(Value),
    #[serde(rename = "client-typing")]
    Typing,
}

use OrderEvent::{Anything, Maybe, Moved, Note, Number, Shipped, Size, Typing};

#[track_caller]
fn decoded(event: &ChannelEvent) -> OrderEvent {
    let variant = event.variant().expect("it fits").expect("it is known");
    let mut decoder = EventDecoder::default();
    assert_eq!(decoder.variant(event).unwrap().as_ref(), Some(&variant), "a buffer is no other");
    variant
}

#[test]
fn the_variant_that_has_the_events_name_takes_its_data() {
    let shipped = r"App\Events\OrderShipped";
    for event in
        [within(shipped, r#"{"id":7,"way":"Sea"}"#), named(shipped, r#"{"way":"Sea","id":7}"#)]
    {
        assert_eq!(decoded(&event), Shipped { id: 7, way: Some(Way::Sea) });
    }
    // More than is asked for is let be, as serde does.
    assert_eq!(decoded(&within(shipped, r#"{"id":7,"more":[{}]}"#)), Shipped { id: 7, way: None });
    let street = || Address { street: "Main \"St.\"".into() };
    let data = json!({ "street": "Main \"St.\"" }).to_string();
    assert_eq!(decoded(&within("moved", &data)), Moved(street()));
    assert_eq!(decoded(&within("order.moved", &data)), Moved(street()), "an alias");
    assert_eq!(decoded(&within("size", "[3,4]")), Size(3, 4));
    assert_eq!(decoded(&within("number", "-1.5e3")), Number(-1500.0));
}

#[test]
fn a_variant_without_fields_takes_any_data_and_none() {
    let deep = "[".repeat(1_000) + &"]".repeat(1_000);
    for data in ["", "null", "{}", "[]", r#""""#, r#""{}""#, r#""words""#, "{\"x\":}", &deep] {
        assert_eq!(decoded(&named("client-typing", data)), Typing, "{data:.20}");
    }
}

#[test]
fn text_that_is_no_json_is_a_string_and_a_string_of_json_what_it_says() {
    for (data, text) in [
        (r#""plain words""#, "plain words"),
        (r#""12""#, "12"),
        (r#""true""#, "true"),
        (r#""""#, ""),
        (r#""{\"id\":7}""#, r#"{"id":7}"#),
        (r#""\"quoted\"""#, "quoted"),
        (r#""say \"hi\"\n""#, "say \"hi\"\n"),
        (r#""\u00e9\ud83d\ude00""#, "é😀"),
    ] {
        assert_eq!(decoded(&named("note", data)), Note(text.into()), "{data}");
        assert_eq!(named("note", data).json::<String>().unwrap(), text, "{data}");
    }
    for (data, value) in [
        ("", json!(null)),
        (r#""7""#, json!(7)),
        (r#""seven""#, json!("seven")),
        (r#"{"a":[1]}"#, json!({"a": [1]})),
    ] {
        assert_eq!(decoded(&named("anything", data)), Anything(value), "{data}");
    }
    // Deeper than JSON is read: a text, which nothing recurses into.
    let deep = "[".repeat(100_000);
    assert_eq!(decoded(&within("anything", &deep)), Anything(deep.into()));
    for (data, number) in [("", None), ("null", None), (r#""null""#, None), ("7", Some(7))] {
        assert_eq!(decoded(&named("maybe", data)), Maybe(number), "{data}");
    }
}

#[test]
fn a_name_that_the_enum_does_not_know_is_no_error() {
    let long = "x".repeat(100_000);
    for name in ["Shipped", "shipped", "", "moved ", "7", r"App\\Events\\OrderShipped", &long] {
        let variant = named(name, r#""{\"id\":7}""#).variant::<OrderEvent>();
        assert!(matches!(variant, Ok(None)), "{name:.40}: {variant:?}");
    }
    // Whatever the data is: nothing of it was asked for.
    for data in ["", "{\"x\":}", r#""\q""#, "1e999"] {
        assert!(matches!(named("other", data).variant::<OrderEvent>(), Ok(None)), "{data}");
    }
}

#[test]
fn data_that_does_not_fit_is_an_error_and_never_another_variant() {
    let shipped = r"App\Events\OrderShipped";
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for (name, data) in [
        (shipped, ""),
        (shipped, "null"),
        (shipped, r#""""#),
        (shipped, r#""{}""#),
        (shipped, r#""{\"id\":-1}""#),
        (shipped, r#""{\"id\":18446744073709551616}""#),
        (shipped, r#""{\"id\":7} {}""#),
        (shipped, r#"{"id":}"#),
        // A variant that is missing within the data is another matter than an unknown name.
        (shipped, r#"{"id":7,"way":"Air"}"#),
        (shipped, r#""{\"id\":7,\"way\":\"Air\"}""#),
        ("number", "1e999"),
        ("number", r#""-1e999""#),
        ("number", r#""one""#),
        ("size", "[3]"),
        ("size", "[3,4,5]"),
        ("size", "[300,4]"),
        ("note", "7"),
        ("note", "\"a\tb\""),
        ("anything", &deep),
        ("moved", r#"{"street":"Main","street":"Side"}"#),
    ] {
        let event = named(name, data);
        let error = event.variant::<OrderEvent>().map(|_| ()).expect_err(data);
        assert!(!error.to_string().is_empty());
        let kept = EventDecoder::default().variant::<OrderEvent>(&event).expect_err(data);
        assert_eq!(kept.to_string(), error.to_string(), "{data:.40}");
    }
}

#[test]
fn the_error_is_that_of_the_json_within_a_string() {
    let error = within("moved", r#"{"street":7}"#).variant::<OrderEvent>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid type: integer `7`, expected a string at line 1 column 11"
    );
}

#[test]
fn escapes_that_are_none_leave_the_text_as_it_stands() {
    // As `text` and `json` have it: half of a pair, and an escape that JSON does not know.
    for data in [r#""\ud83d""#, r#""\q""#, r#""\ud83d\n""#] {
        let event = named("note", data);
        assert!(event.variant::<OrderEvent>().is_err(), "{data}");
        assert!(event.json::<String>().is_err(), "{data}");
    }
    // What stands between the quotes is JSON, and the escape within it is one of its own.
    let event = named("note", r#""\"\ud83d\"""#);
    assert_eq!(event.variant::<OrderEvent>().is_ok(), event.json::<String>().is_ok());
}

#[test]
fn the_last_variant_may_stand_for_all_other_names() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Catching {
        #[serde(rename = "known")]
        Known(u8),
        #[serde(other)]
        Other,
    }
    assert_eq!(named("known", "7").variant().unwrap(), Some(Catching::Known(7)));
    for data in ["", "7", r#""words""#, "{\"x\":}"] {
        assert_eq!(named("else", data).variant().unwrap(), Some(Catching::Other), "{data}");
    }
}

#[test]
fn enums_that_are_tagged_within_a_map_and_wrappers_can_be_read_too() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "event", content = "data")]
    enum Tagged {
        #[serde(rename = "shipped")]
        Shipped { id: u64, way: Way },
        #[serde(rename = "typing")]
        Typing,
    }
    for data in [r#"{"id":7,"way":"Road"}"#, r#""{\"id\":7,\"way\":\"Road\"}""#] {
        let shipped = named("shipped", data).variant().unwrap();
        assert_eq!(shipped, Some(Tagged::Shipped { id: 7, way: Way::Road }));
    }
    for data in ["", "null"] {
        assert_eq!(named("typing", data).variant().unwrap(), Some(Tagged::Typing), "{data}");
    }
    assert!(named("typing", "{}").variant::<Tagged>().is_err(), "as the page says");
    assert_eq!(named("other", "{}").variant::<Tagged>().unwrap(), None);
    let wrong = named("shipped", r#"{"id":7,"way":"Air"}"#).variant::<Tagged>();
    assert!(wrong.unwrap_err().to_string().contains("Air"));

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapper(OrderEvent);
    assert_eq!(named("note", r#""hi""#).variant().unwrap(), Some(Wrapper(Note("hi".into()))));
    assert_eq!(named("other", "7").variant::<Wrapper>().unwrap(), None);
    let boxed = named("note", r#""hi""#).variant::<Option<Box<OrderEvent>>>().unwrap();
    assert_eq!(boxed, Some(Some(Box::new(Note("hi".into())))));

    // Anything else is given a map.
    let map = named("other", r#""7""#).variant::<BTreeMap<String, Value>>().unwrap().unwrap();
    assert_eq!(map, BTreeMap::from([("event".into(), "other".into()), ("data".into(), 7.into())]));
    let absent = named("other", "").variant::<Value>().unwrap();
    assert_eq!(absent, Some(json!({ "event": "other" })));
    assert!(named("other", "7").variant::<u8>().is_err());
}

#[test]
fn a_decoder_reads_each_event_for_itself_whatever_came_before() {
    let events = [
        within("note", &format!("\"{}\"", "long \\n ".repeat(10_000))),
        named("note", r#""\q""#),
        within("moved", r#"{"street":"Main"}"#),
        named("other", "7"),
        within("note", "\"short\""),
        named("note", r#""plain""#),
    ];
    let mut decoder = EventDecoder::default();
    for _ in 0..2 {
        for event in &events {
            let alone = event.variant::<OrderEvent>().map_err(|error| error.to_string());
            let kept = decoder.variant::<OrderEvent>(event).map_err(|error| error.to_string());
            assert_eq!(kept, alone);
            let alone = event.json::<Value>().map_err(|error| error.to_string());
            assert_eq!(decoder.json::<Value>(event).map_err(|error| error.to_string()), alone);
        }
    }
}
