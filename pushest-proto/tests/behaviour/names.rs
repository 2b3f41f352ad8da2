//! Names of channels, as users handle them.

use pushest_proto::ChannelName;

#[test]
fn a_name_compares_with_text_and_shows_as_text() {
    let name = ChannelName::new("private-a").unwrap();
    assert_eq!(name, "private-a");
    assert_eq!(name, *"private-a");
    assert_ne!(name, "private-b");
    assert_ne!(name, *"private-b");
    let text: &str = name.as_ref();
    assert_eq!(text, "private-a");
    assert_eq!(name.to_string(), "private-a");
    assert_eq!(format!("{name:?}"), r#""private-a""#);
}
