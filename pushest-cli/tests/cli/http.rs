//! Requests to the endpoints that the program serves, byte for byte.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::{Pushest, WAIT};

/// An endpoint of the program, running.
pub(crate) struct Endpoint {
    pub(crate) program: Pushest,
    pub(crate) port: u16,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

impl Endpoint {
    /// Starts a command on a free port, with lines of JSON.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let arguments = [arguments, &["--port", "0", "--json"]].concat();
        let mut program = Pushest::start_with(&arguments, variables);
        let line = program.stdout.json_of("serving");
        let port = line["port"].as_u64().unwrap().try_into().unwrap();
        Self { program, port }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Sends a request with these headers, each ended by CR LF, and `Host` unless it is among them.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let has_host = headers.to_ascii_lowercase().lines().any(|line| line.starts_with("host:"));
        let host =
            if has_host { String::new() } else { format!("Host: localhost:{}\r\n", self.port) };
        let length = body.len();
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\n{host}{headers}Content-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        ))
    }

    /// Posts a form.
    pub(crate) fn form(&self, path: &str, headers: &str, form: &str) -> Answer {
        let headers = format!("Content-Type: application/x-www-form-urlencoded\r\n{headers}");
        self.ask("POST", path, &headers, form)
    }

    /// Sends bytes, and reads up to the end.
    pub(crate) fn send(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(WAIT)).unwrap();
        stream.set_write_timeout(Some(WAIT)).unwrap();
        // Who is refused early may not have read all of it.
        let _ = stream.write_all(request.as_bytes());
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..count]);
        }
        let answer = String::from_utf8(bytes).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }
}
