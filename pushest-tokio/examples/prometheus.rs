//! A client's numbers as a page for Prometheus, and its health as a page for load balancers and
//! supervisors, over a few lines of HTTP.
//!
//!     export PUSHER_URL=http://app-key:app-secret@127.0.0.1:6001/apps/1
//!     CHANNELS=orders,private-stock METRICS_ADDRESS=127.0.0.1:9184 \
//!         cargo run -p pushest-tokio --example prometheus
//!
//!     curl http://127.0.0.1:9184/metrics
//!     curl -i http://127.0.0.1:9184/health    # 200 if it is healthy or degraded, 503 if it is down
//!
//! Whoever has an HTTP server already takes [`Watched`] and [`answer`] for it, and leaves the rest.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use pushest_tokio::{
    Client, ClientBuilder, ConnectionState, Event, HealthRules, Snapshot, WeakClient,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How long whoever asks may take, and how much they may send.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 8 * 1024;

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| std::env::var(name).ok();
    // Numbers of each channel have to be asked for: each is several time series in Prometheus.
    let settings = ClientBuilder::default().env().name("orders").channel_statistics(true);
    let client = settings.build()?;
    let channels = variable("CHANNELS").unwrap_or_default();
    let mut events = client.events();
    for channel in channels.split(',').filter(|name| !name.is_empty()) {
        // It stays subscribed to; what comes is received by `events`.
        client.subscribe(channel)?.detach();
    }

    let mut registry = Registry::default();
    registry.register_collector(Box::new(Watched(client.downgrade())));
    let registry = Arc::new(registry);
    let address = variable("METRICS_ADDRESS").unwrap_or_else(|| "127.0.0.1:9184".to_string());
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/metrics", listener.local_addr()?);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                let (registry, client) = (registry.clone(), client.clone());
                // One that asks and does not read keeps nobody else waiting.
                tokio::spawn(async move {
                    let serving = serve(stream, |path| answer(path, &registry, &client));
                    let _ = tokio::time::timeout(PATIENCE, serving).await;
                });
            }
            // Goes on after the end of the client: that it is down is what the pages are to say.
            Some(event) = events.recv() => {
                if let Event::Gap { channel, silent_for, .. } = event {
                    println!("refetch the last {silent_for:?} of {channel}");
                }
            }
        }
    }
}

/// Returns status, type and body of the page at this path.
fn answer(path: &str, registry: &Registry, client: &Client) -> (u16, &'static str, String) {
    const TEXT: &str = "text/plain; charset=utf-8";
    match path {
        "/metrics" => {
            let mut page = String::new();
            match text::encode(&mut page, registry) {
                Ok(()) => (200, "application/openmetrics-text; version=1.0.0; charset=utf-8", page),
                Err(error) => (500, TEXT, error.to_string()),
            }
        }
        "/health" => {
            let health = client.health();
            (if health.is_down() { 503 } else { 200 }, TEXT, format!("{health}\n"))
        }
        _ => (404, TEXT, "there are /metrics and /health\n".to_string()),
    }
}

/// A client whose numbers are read when Prometheus asks for them, and counted nowhere else. It does not
/// keep the client alive.
#[derive(Debug)]
struct Watched(WeakClient);

impl Collector for Watched {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(client) = self.0.upgrade() else { return Ok(()) };
        let snapshot = client.snapshot();
        let mut page = Page { encoder, client: snapshot.client.clone() };
        connection(&mut page, &snapshot)?;
        traffic(&mut page, &snapshot)?;
        channels(&mut page, &snapshot)?;
        queues(&mut page, &snapshot)
    }
}

fn connection(page: &mut Page<'_>, it: &Snapshot) -> fmt::Result {
    let counted = &it.statistics;
    let is_connected = if it.state == ConnectionState::Connected { 1.0 } else { 0.0 };
    page.gauge("connected", "Whether there is a connection", is_connected)?;
    let away_for = it.away_for.unwrap_or_default().as_secs_f64();
    page.gauge("away_seconds", "How long there has been no connection that is wanted", away_for)?;
    let health = it.health(&HealthRules::default());
    page.gauge("health", "0 is healthy, 1 degraded, 2 down", f64::from(health.state as u8))?;
    let reasons: Vec<_> = health.reasons.iter().map(|it| ([("reason", it.kind())], 1.0)).collect();
    page.gauges("health_reason", "Why the client is not healthy", &reasons)?;
    let round_trip = counted.round_trip.unwrap_or_default().as_secs_f64();
    page.gauge("round_trip_seconds", "The round trip that was measured last", round_trip)?;
    page.counter("dials", "Attempts to connect", counted.dials)?;
    let failed = counted.failed_dials.by_kind().map(|(kind, count)| ([("kind", kind)], count));
    page.counters("failed_dials", "Attempts to connect that failed, by what failed", &failed)?;
    page.counter("connections", "Connections that were established", counted.connections)?;
    page.counter("losses", "Established connections that were lost", counted.losses)?;
    page.counter("refusals", "Refusals for good", counted.refusals)?;
    page.counter("server_errors", "Errors that the server reported", counted.server_errors)
}

fn traffic(page: &mut Page<'_>, it: &Snapshot) -> fmt::Result {
    let counted = &it.statistics;
    let both =
        |received, sent| [([("direction", "received")], received), ([("direction", "sent")], sent)];
    let messages = both(counted.messages, counted.sent_messages);
    page.counters("messages", "Messages of the protocol", &messages)?;
    let bytes = both(counted.bytes, counted.sent_bytes);
    page.counters("message_bytes", "Bytes of these messages", &bytes)?;
    let traffic = &it.traffic;
    let frames = both(traffic.frames_received, traffic.frames_sent);
    page.counters("frames", "WebSocket messages, pings, pongs and closes", &frames)?;
    let bytes = both(traffic.bytes_received, traffic.bytes_sent);
    page.counters("socket_bytes", "Bytes of the WebSockets, frames and all", &bytes)?;
    page.counter("events", "Events of channels", counted.events)?;
    page.counter("dropped_events", "Events that were not received in time", counted.dropped)?;
    page.counter("malformed_messages", "Messages that could not be read", counted.malformed)?;
    page.counter("undecryptable_events", "Events that no key opened", counted.undecryptable)
}

fn channels(page: &mut Page<'_>, it: &Snapshot) -> fmt::Result {
    let counted = &it.statistics;
    let states = it.channels.by_state().map(|(state, count)| ([("state", state)], count as f64));
    page.gauges("channels", "Wanted channels, by how far they are", &states)?;
    let failed = counted.failed_subscriptions;
    page.counter("failed_subscriptions", "Subscriptions that failed", failed)?;
    page.counter("gaps", "Gaps in which a channel may have missed events", counted.gaps)?;
    page.seconds("gap_seconds", "The length of these gaps", counted.gap_time)?;
    page.counter("authorizations", "Authorizations that were asked for", counted.authorizations)?;
    let failed = [
        ([("how", "refused")], counted.refused_authorizations),
        ([("how", "unavailable")], counted.unavailable_authorizations),
    ];
    page.counters("failed_authorizations", "Authorizations that were not granted", &failed)?;
    let of_each = |number: fn(&pushest_tokio::ChannelStatistics) -> u64| {
        let labelled = it.by_channel.iter();
        let labelled =
            labelled.map(|one| ([("channel", one.channel.as_str())], number(&one.statistics)));
        labelled.collect::<Vec<_>>()
    };
    page.counters("channel_events", "Events of one channel", &of_each(|one| one.events))?;
    page.counters("channel_bytes", "Bytes of one channel's events", &of_each(|one| one.bytes))?;
    let ages = it.by_channel.iter().filter_map(|one| {
        let age = one.statistics.last_event?.as_secs_f64();
        Some(([("channel", one.channel.as_str())], age))
    });
    let ages: Vec<_> = ages.collect();
    page.gauges("channel_last_event_age_seconds", "How long ago a channel's last event came", &ages)
}

fn queues(page: &mut Page<'_>, it: &Snapshot) -> fmt::Result {
    let queues = &it.queues;
    page.gauge("receivers", "Receivers of events", queues.receivers as f64)?;
    page.gauge("queued_events", "Events that wait to be received", queues.events as f64)?;
    page.gauge("queued_bytes", "Bytes of these events", queues.bytes as f64)?;
    let largest = queues.largest_events as f64;
    page.gauge("largest_queue_events", "The most that wait for one receiver", largest)?;
    let paused_for = queues.paused_for.unwrap_or_default().as_secs_f64();
    page.gauge("reading_paused_seconds", "How long a full receiver has held up reading", paused_for)
}

/// What is written for one client.
struct Page<'a> {
    encoder: DescriptorEncoder<'a>,
    client: String,
}

/// A label beside that of the client, and a number.
type Labelled<'a, N> = ([(&'a str, &'a str); 1], N);

impl Page<'_> {
    fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        self.family(name, help, [(&[][..], ConstCounter::new(count))])
    }

    fn seconds(&mut self, name: &str, help: &str, time: Duration) -> fmt::Result {
        self.family(name, help, [(&[][..], ConstCounter::new(time.as_secs_f64()))])
    }

    fn counters(&mut self, name: &str, help: &str, all: &[Labelled<'_, u64>]) -> fmt::Result {
        let all = all.iter().map(|(labels, count)| (&labels[..], ConstCounter::new(*count)));
        self.family(name, help, all)
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.family(name, help, [(&[][..], ConstGauge::new(value))])
    }

    fn gauges(&mut self, name: &str, help: &str, all: &[Labelled<'_, f64>]) -> fmt::Result {
        let all = all.iter().map(|(labels, value)| (&labels[..], ConstGauge::new(*value)));
        self.family(name, help, all)
    }

    fn family<'l, M: EncodeMetric>(
        &mut self,
        name: &str,
        help: &str,
        all: impl IntoIterator<Item = (&'l [(&'l str, &'l str)], M)>,
    ) -> fmt::Result {
        let mut all = all.into_iter().peekable();
        // A family without members is not announced.
        let Some((_, first)) = all.peek() else { return Ok(()) };
        let (name, kind) = (format!("pushest_{name}"), first.metric_type());
        let mut family = self.encoder.encode_descriptor(&name, help, None, kind)?;
        for (labels, metric) in all {
            let labels = [&[("client", self.client.as_str())], labels].concat();
            metric.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Reads one request and answers it.
async fn serve(
    mut stream: TcpStream,
    answer: impl FnOnce(&str) -> (u16, &'static str, String),
) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        let is_over = request.len() > MOST_BYTES || stream.read_buf(&mut request).await? == 0;
        if is_over {
            return Ok(());
        }
    }
    let line = String::from_utf8_lossy(&request);
    let mut words = line.split(' ');
    let (status, kind, body) = match (words.next(), words.next()) {
        (Some("GET"), Some(path)) => answer(path),
        _ => (405, "text/plain", String::new()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} \r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
