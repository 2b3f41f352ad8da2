//! Names of channels, as users handle them.

use pushest_proto::{ChannelName, NameError};

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

#[test]
fn a_name_almost_with_a_prefix_is_told_from_names_of_its_own() {
    let near_miss = |name: &str| ChannelName::new(name).unwrap().near_miss();
    for (name, meant) in [
        ("privat-chat", "private-chat"),
        ("private_chat", "private-chat"),
        ("private.chat.1", "private-chat.1"),
        ("Private-chat", "private-chat"),
        ("PRIVATE-Chat", "private-Chat"),
        ("prviate-chat", "private-chat"),
        ("pivate-chat", "private-chat"),
        ("privite-chat", "private-chat"),
        ("privatee_chat", "private-chat"),
        ("privats-chat", "private-chat"),
        ("privaet-chat", "private-chat"),
        ("rpivate-chat", "private-chat"),
        ("xprivate-chat", "private-chat"),
        ("rivate-chat", "private-chat"),
        ("presence_room", "presence-room"),
        ("prescence-room", "presence-room"),
        ("presense-room", "presence-room"),
        ("precense-room", "presence-room"),
        ("Prescense_Room", "presence-Room"),
        ("private-encrypted_x", "private-encrypted-x"),
        ("private_encrypted_x", "private-encrypted-x"),
        ("private-encypted-x", "private-encrypted-x"),
        ("private-Encrypted-x", "private-encrypted-x"),
        ("cache_x", "cache-x"),
        ("Cache-x", "cache-x"),
        ("cahce-x", "cache-x"),
        ("cach-x", "cache-x"),
        ("private-cache_x", "private-cache-x"),
        ("presence_cache-x", "presence-cache-x"),
        ("private-encrypted-cache_x", "private-encrypted-cache-x"),
    ] {
        assert_eq!(near_miss(name).as_deref(), Some(meant), "{name}");
        // What is suggested is not doubted in its turn.
        assert_eq!(near_miss(meant), None, "{meant}");
    }
    for name in [
        "news",
        "private",
        "presence",
        "cache",
        "Private",
        "private-",
        "private_",
        "private--x",
        "privatechat",
        "news-private",
        "news_private_x",
        "privateer-ships",
        "privacy-policy",
        "privately-held",
        "primate-house",
        "pirate-ships",
        "privates-mess",
        "rxivate-x",
        "xpivate-x",
        "rpixate-x",
        "privaxx-x",
        "privateaa-x",
        "priva-x",
        "private1-x",
        "present-x",
        "presents_list",
        "presences-x",
        "prescience-x",
        "pretence-x",
        "pressing-x",
        "cache.users",
        "cached-prices",
        "caches-x",
        "ache-x",
        "catch-x",
        "vache-x",
        "cash-x",
        "cachy-x",
        "cac-x",
        "private-orders_7",
        "private-caches-x",
        "private-cached_x",
        "private-encrypted",
        "private-encryption-x",
        "private-news.private-x",
        "presence-private_x",
        "cache-private_x",
        "presence-encrypted_x",
        "1-private-x",
        "-private-x",
        "_private_x",
    ] {
        assert_eq!(near_miss(name), None, "{name}");
    }
}

#[test]
fn names_are_sorted_as_their_texts_are() {
    let name = |text| ChannelName::new(text).unwrap();
    assert!(name("a") < name("b") && name("b") > name("a-longer-one"));
    assert!(name("a") <= name("a") && name("b") >= name("a"));
    let mut names = ["b", "a-b", "a"].map(name);
    names.sort();
    assert_eq!(names, ["a", "a-b", "b"]);
}

#[test]
fn an_error_shows_the_name_unless_it_may_be_a_url_with_a_secret() {
    let shown = |text| match ChannelName::new(text).unwrap_err() {
        NameError::Character { name, .. } => name,
        other => panic!("{other:?}"),
    };
    for name in ["room@home!", "a:b", "a b"] {
        assert_eq!(shown(name), name);
    }
    for url in ["key:secret@host", "http://host", "ws://key:secret@host"] {
        assert_eq!(shown(url), "…", "{url}");
    }
}
