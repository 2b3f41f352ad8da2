//! A server that answers from memory: 200 and `{}` to every request, over kept connections. When its
//! standard input ends it prints how many requests it has had.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Problem;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

pub(crate) fn serve() -> Result<(), Problem> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = counted.clone();
            // It ends with the connection.
            std::thread::spawn(move || drop(answer(stream, &count)));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    println!("{}", count.load(Ordering::SeqCst));
    Ok(())
}

fn answer(mut stream: TcpStream, count: &AtomicU64) -> Result<(), Problem> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(16 * 1024, stream.try_clone()?);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        count.fetch_add(1, Ordering::SeqCst);
        stream.write_all(ANSWER)?;
    }
}
