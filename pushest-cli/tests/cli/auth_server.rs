//! The authorization endpoint for local work (docs/protocol.md#authorization-endpoint).

use pushest_proto::{Authorization, ChannelName, MemberData, Signer, SocketId, UserData};
use pushest_testkit::{MasterKey, Server};
use serde_json::{Value, json};

use crate::http::Endpoint;
use crate::support::{Pushest, WAIT, pushest};

const APP: [&str; 4] = ["--key", "278d425bdf160c739803", "--secret", "7ad3773142a6692b25b8"];
const PRIVATE: &str = "socket_id=1234.1234&channel_name=private-foobar";

fn start(options: &[&str]) -> Endpoint {
    Endpoint::start(&[&["auth-server"], options, &APP].concat())
}

fn signer() -> Signer {
    Signer::new(APP[1], APP[3])
}

fn granted(channel: &str, user: &str) -> Authorization {
    let (socket_id, channel) =
        (SocketId::new("1234.1234").unwrap(), ChannelName::new(channel).unwrap());
    signer().authorize_channel(&socket_id, &channel, Some(&MemberData::new(user))).unwrap()
}

#[test]
fn it_signs_channels_and_sign_ins_where_pusher_js_and_laravel_ask() {
    let mut endpoint = start(&["--user-id", "7"]);
    for path in ["/pusher/auth", "/broadcasting/auth"] {
        let answer = endpoint.form(path, "", PRIVATE);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(answer.body, granted("private-foobar", "7").to_json());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let line = endpoint.program.stdout.json_of("authorization");
        assert_eq!(
            (&line["channel"], &line["socket_id"], &line["status"], &line["user_id"]),
            (&json!("private-foobar"), &json!("1234.1234"), &json!(200), &Value::Null)
        );
    }
    let user = UserData::new("7");
    let socket_id = SocketId::new("1234.1234").unwrap();
    let expected = signer().authenticate_user(&socket_id, &user).unwrap().to_json();
    for path in ["/pusher/user-auth", "/broadcasting/user-auth"] {
        assert_eq!(endpoint.form(path, "", "socket_id=1234.1234").body, expected);
        let line = endpoint.program.stdout.json_of("authorization");
        assert_eq!((&line["channel"], &line["user_id"]), (&Value::Null, &json!("7")));
    }
    let json = r#"{"socket_id":"1234.1234","channel_name":"private-foobar"}"#;
    let answer = endpoint.ask("POST", "/pusher/auth", "Content-Type: application/json\r\n", json);
    assert_eq!(answer.status, 200);
}

#[test]
fn who_asks_is_whom_the_program_names_whatever_the_form_says() {
    let endpoint = start(&["--user-id", "7", "--user-info", r#"{"name":"Ada"}"#, "--watch", "8"]);
    let form = "socket_id=1234.1234&channel_name=presence-room&user_id=eve\
                &channel_data=%7B%22user_id%22%3A%22eve%22%7D&user_data=%7B%22id%22%3A%22eve%22%7D";
    let answer: Value =
        serde_json::from_str(&endpoint.form("/pusher/auth", "", form).body).unwrap();
    assert_eq!(answer["channel_data"], r#"{"user_id":"7","user_info":{"name":"Ada"}}"#);
    let answer: Value =
        serde_json::from_str(&endpoint.form("/pusher/user-auth", "", form).body).unwrap();
    let user: Value = serde_json::from_str(answer["user_data"].as_str().unwrap()).unwrap();
    assert_eq!(user, json!({"id": "7", "user_info": {"name": "Ada"}, "watchlist": ["8"]}));
}

#[test]
fn without_a_name_for_the_user_it_is_made_up_and_the_same_for_all() {
    let endpoint = start(&[]);
    let member = |socket: &str| {
        let form = format!("socket_id={socket}&channel_name=presence-room");
        let answer: Value =
            serde_json::from_str(&endpoint.form("/pusher/auth", "", &form).body).unwrap();
        answer["channel_data"].as_str().unwrap().to_owned()
    };
    assert!(member("1.1").starts_with(r#"{"user_id":"pushest-cli-"#));
    assert_eq!(member("1.1"), member("2.2"));
}

#[test]
fn socket_id_and_channel_are_checked_before_anything_is_signed() {
    let mut endpoint = start(&[]);
    for (form, reason) in [
        ("socket_id=1.2:presence-x&channel_name=private-a", "is not a socket id"),
        ("socket_id=1.2%20&channel_name=private-a", "is not a socket id"),
        ("socket_id=1.2+3&channel_name=private-a", "is not a socket id"),
        ("socket_id=%&channel_name=private-a", "is not a socket id"),
        ("socket_id=&channel_name=private-a", "is not a socket id"),
        ("socket_id[]=1.2&channel_name=private-a", "`socket_id` is missing"),
        ("socket_id=1.2&channel_name=private-%zz", "is not a channel name"),
        ("socket_id=1.2&channel_name=private-%C3%28", "is not a channel name"),
        ("socket_id=1.2&channel_name=private-a&channel_name=private-b", "twice"),
        ("socket_id=1.2&channel_name=private-a:b", "is not a channel name"),
        ("socket_id=1.2&channel_name=private-a%0Ab", "is not a channel name"),
        ("socket_id=1.2", "`channel_name` is missing"),
        ("channel_name=private-a", "`socket_id` is missing"),
        ("socket_id=1.2&socket_id=1.3&channel_name=private-a", "twice"),
        ("", "missing"),
    ] {
        let answer = endpoint.form("/pusher/auth", "", form);
        assert_eq!(answer.status, 400, "{form}: {answer:?}");
        assert!(answer.body.contains(reason), "{form}: {answer:?}");
        assert!(!answer.body.contains("auth\""), "{form}: {answer:?}");
        let line = endpoint.program.stdout.json_of("request");
        assert_eq!(line["status"], 400, "{form}");
    }
    // What a page may send without being asked, and what is no type of a form.
    for kind in ["text/plain", "multipart/form-data; boundary=x", "text/html", "", "/"] {
        let kind = format!("Content-Type: {kind}\r\n");
        let answer = endpoint.ask("POST", "/pusher/auth", &kind, PRIVATE);
        assert_eq!(answer.status, 400, "{kind}: {answer:?}");
    }
    let twice = "Content-Type: application/json\r\n".repeat(2);
    assert_eq!(endpoint.ask("POST", "/pusher/auth", &twice, PRIVATE).status, 400);
    assert_eq!(endpoint.ask("POST", "/pusher/auth", "", PRIVATE).status, 400);
    for junk in ["", "{", "[]", PRIVATE, r#"{"socket_id":1.2,"channel_name":"private-a"}"#] {
        let answer =
            endpoint.ask("POST", "/pusher/auth", "Content-Type: application/json\r\n", junk);
        assert_eq!(answer.status, 400, "{junk}: {answer:?}");
    }
    // A public channel: `:user::{…}` would be a sign-in.
    for (channel, status) in [("news", 403), (":user::", 400), ("%23server-to-user-7", 400)] {
        let form = format!("socket_id=1.2&channel_name={channel}");
        assert_eq!(endpoint.form("/pusher/auth", "", &form).status, status, "{channel}");
    }
}

#[test]
fn a_channel_can_be_refused_and_encrypted_ones_need_the_master_key() {
    let mut endpoint = start(&["--refuse", "private-foobar"]);
    let answer = endpoint.form("/pusher/auth", "", PRIVATE);
    assert_eq!(answer.status, 403);
    let line = endpoint.program.stdout.json_of("authorization");
    assert_eq!((&line["status"], &line["reason"]), (&json!(403), &json!("refused, as told")));
    let form = "socket_id=1234.1234&channel_name=private-encrypted-diary";
    let answer = endpoint.form("/pusher/auth", "", form);
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("master key"), "{answer:?}");

    let key = MasterKey::random();
    let with_key = start(&["--master-key", &key.to_base64()]);
    let answer = with_key.form("/pusher/auth", "", form);
    let signer = signer().with_master_key(key.as_bytes()).unwrap();
    let (socket_id, channel) = ("1234.1234", "private-encrypted-diary");
    let socket_id = SocketId::new(socket_id).unwrap();
    let channel = ChannelName::new(channel).unwrap();
    let expected = signer.authorize_channel(&socket_id, &channel, None).unwrap();
    assert_eq!(answer.body, expected.to_json());
}

#[test]
fn pages_of_strangers_and_names_that_lead_here_are_refused() {
    let mut endpoint = start(&[]);
    for headers in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://localhost.evil.example\r\n",
        "Origin: http://127.0.0.1.evil\r\n",
        "Origin: http://localhost:80.evil.example\r\n",
        "Origin: http://[::1].evil\r\n",
        "Origin: http://[::2]\r\n",
        "Origin: \r\n",
        "Origin: http://localhost\r\nOrigin: https://evil.example\r\n",
        "Host: evil.example\r\n",
        "Host: evil.example:3000\r\n",
        "Host: EVIL.example\r\n",
        "Host: 127.0.0.1.evil:3000\r\n",
        "Host: localhost.\r\n",
        "Host: [::1\r\n",
        "Host: [::2]:3000\r\n",
        "Host: \r\n",
        "Host: localhost@evil.example\r\n",
        "Host: localhost\r\nHost: evil.example\r\n",
    ] {
        for (method, path) in [("POST", "/pusher/auth"), ("OPTIONS", "/pusher/auth"), ("GET", "/")]
        {
            let form = format!("Content-Type: application/x-www-form-urlencoded\r\n{headers}");
            let answer = endpoint.ask(method, path, &form, PRIVATE);
            assert_eq!(answer.status, 403, "{headers}: {answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{headers}");
            assert!(!answer.body.contains("auth\""), "{headers}: {answer:?}");
            assert_eq!(endpoint.program.stdout.json_of("request")["status"], 403);
        }
    }
    let as_proxy = format!(
        "POST http://evil.example/pusher/auth HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{PRIVATE}",
        PRIVATE.len()
    );
    assert_eq!(endpoint.send(&as_proxy).status, 403);
    let without = format!(
        "POST /pusher/auth HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{PRIVATE}",
        PRIVATE.len()
    );
    assert_eq!(endpoint.send(&without).status, 403);
}

#[test]
fn pages_on_localhost_are_answered_and_others_only_where_they_are_named() {
    let endpoint = start(&[]);
    for host in ["LOCALHOST", "localhost:80", "127.0.0.1", "[::1]:3000", "[0:0:0:0:0:0:0:1]"] {
        let answer = endpoint.form("/pusher/auth", &format!("Host: {host}\r\n"), PRIVATE);
        assert_eq!(answer.status, 200, "{host}");
    }
    for origin in ["http://localhost:5173", "https://127.0.0.1", "http://[::1]:8080"] {
        let answer = endpoint.form("/pusher/auth", &format!("Origin: {origin}\r\n"), PRIVATE);
        assert_eq!(answer.status, 200, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
    // Browsers ask before, and some whether a page may reach into a private network.
    for origin in ["http://localhost:5173", "http://[::1]:8080"] {
        let asked = format!(
            "Origin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\
             Access-Control-Request-Private-Network: true\r\n"
        );
        let answer = endpoint.ask("OPTIONS", "/pusher/auth", &asked, "");
        assert_eq!((answer.status, &*answer.body), (204, ""), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
        assert_eq!(answer.header("access-control-allow-private-network"), Some("true"));
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
    let named =
        start(&["--allow-origin", "https://shop.example", "--allow-host", "tunnel.example"]);
    let from =
        |origin: &str| named.form("/pusher/auth", &format!("Origin: {origin}\r\n"), PRIVATE).status;
    assert_eq!([from("https://shop.example"), from("http://localhost:5173")], [200, 403]);
    assert_eq!(named.form("/pusher/auth", "Host: tunnel.example\r\n", PRIVATE).status, 200);
    let asked = "Origin: https://shop.example\r\nAccess-Control-Request-Method: POST\r\n\
                 Access-Control-Request-Headers: x-csrf-token,authorization\r\n";
    let answer = named.ask("OPTIONS", "/pusher/auth", asked, "");
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
    let headers = answer.header("access-control-allow-headers");
    assert_eq!(headers, Some("x-csrf-token,authorization"));
}

#[test]
fn names_of_other_servers_are_signed_where_their_characters_are_given() {
    let form = "socket_id=1.2&channel_name=private-orders%3A7";
    assert_eq!(start(&[]).form("/pusher/auth", "", form).status, 400);
    let other = start(&["--name-characters", ":#", "--refuse", "private-orders:8"]);
    assert_eq!(other.form("/pusher/auth", "", form).status, 200);
    let refused = form.replace("%3A7", "%3A8");
    assert_eq!(other.form("/pusher/auth", "", &refused).status, 403);
    let space = form.replace("%3A7", "%20");
    assert_eq!(other.form("/pusher/auth", "", &space).status, 400);
}

#[test]
fn what_is_no_request_of_its_kind_has_its_status() {
    let endpoint = start(&[]);
    assert_eq!(endpoint.form("/", "", PRIVATE).status, 404);
    assert_eq!(endpoint.form("/pusher/auth/", "", PRIVATE).status, 404);
    let answer = endpoint.ask("GET", "/pusher/auth?socket_id=1.2&channel_name=private-a", "", "");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_eq!(endpoint.form("/pusher/auth?callback=x", "", PRIVATE).status, 200);
    let large = format!("{PRIVATE}&x={}", "y".repeat(1 << 20));
    assert_eq!(endpoint.form("/pusher/auth", "", &large).status, 413);
    let chunked = format!(
        "POST /pusher/auth HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    assert_eq!(endpoint.send(&chunked).status, 413);
    assert_eq!(endpoint.send("SSH-2.0-x\r\n\r\n").status, 400);
    // Junk before it costs no other request anything.
    assert_eq!(endpoint.form("/pusher/auth", "", PRIVATE).status, 200);
}

#[test]
fn what_a_request_says_of_itself_is_repeated_in_part() {
    let mut endpoint = start(&[]);
    let long = "a".repeat(50_000);
    for (path, headers) in [
        (format!("/{long}"), String::new()),
        ("/pusher/auth".to_owned(), format!("Host: {long}\r\n")),
        ("/pusher/auth".to_owned(), format!("Origin: http://{long}\r\n")),
    ] {
        let answer = endpoint.form(&path, &headers, PRIVATE);
        assert!(answer.body.len() < 400, "{answer:?}");
        let line = endpoint.program.stdout.json_of("request").to_string();
        assert!(line.len() < 600, "{line}");
    }
}

#[test]
fn further_connections_wait_until_one_of_256_ends() {
    let endpoint = start(&[]);
    let connect = || std::net::TcpStream::connect(("127.0.0.1", endpoint.port)).unwrap();
    let mut held: Vec<_> = (0..256).map(|_| connect()).collect();
    std::thread::scope(|scope| {
        let (sender, answers) = std::sync::mpsc::channel();
        scope.spawn(move || sender.send(endpoint.form("/pusher/auth", "", PRIVATE).status));
        // Those that are held last for 10 s: this is no guess at how fast it would be answered.
        let waits = answers.recv_timeout(std::time::Duration::from_secs(1));
        assert!(waits.is_err(), "{waits:?}");
        held.pop();
        assert_eq!(answers.recv_timeout(WAIT), Ok(200));
    });
}

#[test]
fn a_client_without_the_secret_subscribes_with_it() {
    let server = Server::start().unwrap();
    let (port, url) = (server.port().to_string(), server.url());
    let endpoint = Endpoint::start(&["auth-server", "--user-id", "7", "--url", &url]);
    let (auth, user_auth) = (endpoint.url("/pusher/auth"), endpoint.url("/pusher/user-auth"));
    let asking = ["--key", "app-key", "--host", "127.0.0.1", "--port", &port];
    let asking = [&asking[..], &["--auth-endpoint", &auth, "--user-auth-endpoint", &user_auth]];
    let words = ["listen", "presence-room", "private-a", "--sign-in", "null", "--json"];
    let mut listener = Pushest::start(&[&words[..], &asking.concat()].concat());
    let joined = listener.stdout.json_of("members");
    assert_eq!(joined["joined"][0]["user_id"], "7");
    server.wait_for_subscribers("private-a", 1, WAIT).unwrap();
    assert_eq!(server.members("presence-room"), ["7"]);
    server.wait_for_subscribers("#server-to-user-7", 1, WAIT).unwrap();
}

#[test]
fn an_address_that_others_reach_is_warned_of() {
    let mut program =
        Pushest::start(&[&["auth-server", "--bind", "0.0.0.0", "--port", "0"], &APP[..]].concat());
    let warning = program.stderr.until("can be reached by others");
    assert!(warning.contains("it signs for them, as the user of --user-id"), "{warning}");
    assert!(program.stdout.next().starts_with("listening on 0.0.0.0:"));
}

#[cfg(unix)]
#[test]
fn a_signal_is_its_normal_end() {
    let endpoint = start(&[]);
    endpoint.program.signal("TERM");
    let ended = endpoint.program.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn bad_input_is_named_and_nothing_listens() {
    let info = format!(r#"{{"a":"{}"}}"#, "x".repeat(1017));
    let cases: [(&[&str], &str); 12] = [
        (&["--user-id", ""], "user's id"),
        (&["--user-info", "{"], "is not JSON"),
        (&["--user-info", "7"], "is not a JSON object"),
        (&["--user-info", &info], "1025 bytes, the limit is 1024"),
        (&["--watch", ""], "id 1 of the watchlist has 0 bytes"),
        (&["--allow-origin", "*"], "is no origin"),
        (&["--allow-origin", "https://shop.example/"], "is no origin"),
        (&["--allow-host", "a:80"], "is no host"),
        (&["--refuse", "a b"], "is not a channel name"),
        (&["--master-key", "x"], "master key"),
        (&["--bind", "localhost"], "--bind"),
        (&["--key", "a b"], "key"),
    ];
    for (arguments, text) in cases {
        let app = if arguments[0] == "--key" { &APP[2..] } else { &APP };
        let ended = pushest(&[&["auth-server", "--port", "0"], arguments, app].concat());
        assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(text), "{arguments:?}: {ended:?}");
        assert!(ended.stdout.is_empty(), "{arguments:?}: {ended:?}");
    }
    let ended = pushest(&["auth-server", "--key", "k"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--secret"), "{ended:?}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = pushest(&[&["auth-server", "--port", &port], &APP[..]].concat());
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("cannot listen on 127.0.0.1:"), "{ended:?}");
}
