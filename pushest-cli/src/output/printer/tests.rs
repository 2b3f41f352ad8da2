//! The printer over streams that the test reads, or does not.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::queue::{BYTES, LINES};
use super::*;

/// A stream that takes a write only when the test reads it, and in pieces of this size.
struct Pipe(SyncSender<(Stream, Vec<u8>)>, Stream, usize);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(self.2)];
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.send((self.1, bytes.to_vec())).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Reader = Receiver<(Stream, Vec<u8>)>;

/// A printer whose streams are read one piece after the other.
fn printer(piece: usize) -> (Printer, Reader, Reader) {
    let ((out, out_reader), (err, err_reader)) = (sync_channel(0), sync_channel(0));
    let (out, err) = (Pipe(out, Stream::Out, piece), Pipe(err, Stream::Err, piece));
    (Printer::over(out, err, false).unwrap(), out_reader, err_reader)
}

fn line(text: &str) -> String {
    format!("{text}\n")
}

#[tokio::test]
async fn a_line_waits_for_room_and_is_counted_if_it_is_given_up() {
    let (printer, _out, _err) = printer(1);
    for _ in 0..LINES {
        printer.print(Stream::Out, line("x"), 1).await.unwrap();
    }
    let printing = printer.print(Stream::Out, line("x"), 7);
    assert!(tokio::time::timeout(Duration::from_millis(20), printing).await.is_err());
    assert_eq!(printer.unprinted(Stream::Out), LINES as u64 + 7);
    printer.hurry(Instant::now());
    printer.print(Stream::Out, line("x"), 1).await.unwrap();
    printer.drained(Stream::Out).await;
    assert_eq!(printer.unprinted(Stream::Out), LINES as u64 + 8);
}

#[tokio::test]
async fn a_line_that_is_longer_than_the_queue_waits_alone() {
    let (printer, out, _err) = printer(usize::MAX);
    let long = line(&"x".repeat(2 * BYTES));
    printer.print(Stream::Out, long.clone(), 1).await.unwrap();
    let next = printer.print(Stream::Out, line("y"), 1);
    assert!(tokio::time::timeout(Duration::from_millis(20), next).await.is_err());
    let mut read = Vec::new();
    while read.len() < long.len() {
        read.extend(out.recv().unwrap().1);
    }
    assert!(read == long.as_bytes());
    printer.drained(Stream::Out).await;
    printer.print(Stream::Out, line("z"), 1).await.unwrap();
    assert_eq!(out.recv().unwrap().1, b"z\n");
}

#[tokio::test]
async fn what_is_printed_and_what_is_counted_is_everything() {
    let (printer, out, _err) = printer(3);
    for _ in 0..10 {
        printer.print(Stream::Out, line("1234"), 1).await.unwrap();
    }
    // Five bytes a line, and at most three at once.
    let unread = |bytes: usize| 10 - bytes as u64 / 5;
    let mut read = 0;
    while read < 50 {
        let before = read;
        read += out.recv().unwrap().1.len();
        let unprinted = printer.unprinted(Stream::Out);
        // The last piece may not have been counted yet.
        assert!([unread(read), unread(before)].contains(&unprinted), "{unprinted}");
    }
}

#[tokio::test]
async fn lines_of_both_streams_keep_their_order_where_they_lead_to_one_place() {
    let (sender, reader) = sync_channel(0);
    let out = Pipe(sender.clone(), Stream::Out, usize::MAX);
    let err = Pipe(sender, Stream::Err, usize::MAX);
    let printer = Printer::over(out, err, true).unwrap();
    let streams = [Stream::Out, Stream::Err, Stream::Err, Stream::Out, Stream::Err];
    for stream in streams {
        printer.print_now(stream, line("x")).unwrap();
    }
    let mut read = Vec::new();
    while read.len() < streams.len() {
        let (stream, text) = reader.recv().unwrap();
        read.extend(text.split_inclusive(|byte| *byte == b'\n').map(|_| stream));
    }
    assert_eq!(read, streams);
}

#[tokio::test]
async fn a_stream_that_stalls_keeps_nothing_from_another_place() {
    let (printer, _out, err) = printer(usize::MAX);
    printer.print_now(Stream::Out, line("nobody reads this")).unwrap();
    printer.print_now(Stream::Err, line("this is read")).unwrap();
    assert_eq!(err.recv().unwrap().1, b"this is read\n");
}

#[tokio::test]
async fn a_failure_is_told_to_all_who_wait_and_nothing_is_missed() {
    let (printer, out, _err) = printer(1);
    for _ in 0..LINES {
        printer.print(Stream::Out, line("x"), 1).await.unwrap();
    }
    let waiting = printer.clone();
    let waiting = tokio::spawn(async move { waiting.print(Stream::Out, line("y"), 1).await });
    drop(out);
    assert_eq!(printer.failed(Stream::Out).await.kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    printer.drained(Stream::Out).await;
    assert_eq!(printer.unprinted(Stream::Out), 0);
    assert!(printer.print_now(Stream::Out, line("z")).is_err());
}

#[tokio::test]
async fn lines_that_cannot_wait_are_counted_where_there_is_no_room() {
    let (printer, _out, _err) = printer(1);
    for _ in 0..2 * LINES + 3 {
        printer.print_now(Stream::Err, line("x")).unwrap();
    }
    assert_eq!(printer.missed(Stream::Err), 3);
    printer.print_last(Stream::Err, line("the end"));
    assert_eq!(printer.missed(Stream::Err), 3);
}

/// A stream that another program has made non-blocking.
struct Busy(bool, SyncSender<Vec<u8>>);

impl Write for Busy {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = !self.0;
        if self.0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.1.send(bytes[..1].to_vec()).unwrap();
        Ok(1)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_stream_that_would_block_is_tried_again() {
    let (sender, reader) = sync_channel(100);
    let printer = Printer::over(Busy(false, sender), io::sink(), false).unwrap();
    printer.print_now(Stream::Out, line("hello")).unwrap();
    printer.drained(Stream::Out).await;
    assert_eq!(reader.try_iter().flatten().collect::<Vec<u8>>(), b"hello\n");
}
