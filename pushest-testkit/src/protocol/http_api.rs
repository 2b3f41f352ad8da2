//! The HTTP API: signed requests in, answers out ([protocol, signed
//! requests](pushest_proto::protocol#signed-requests) and [protocol, HTTP
//! API](pushest_proto::protocol#http-api)).

use std::borrow::Cow;
use std::ops::Bound;

use percent_encoding::percent_decode_str;
use pushest_proto::Instant;
use serde_json::{Map, Value, json};

use super::channel::Kind;
use super::{Broker, signature};
use crate::setters::setters;

/// How far a request's `auth_timestamp` may be from the server's clock, in seconds.
const TOLERATED_SKEW: u64 = 600;

/// A request to the HTTP API, as the shell read it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// The path and the query as they stood in the request line.
    pub target: String,
    /// The body; empty if there was none.
    pub body: Vec<u8>,
    /// The server's clock: seconds since 1970, to hold `auth_timestamp` against.
    pub unix_time: u64,
}

impl HttpRequest {
    /// Creates a request without a body, at this time of the server's clock (seconds since 1970).
    ///
    /// ```
    /// use pushest_proto::Instant;
    /// use pushest_testkit::protocol::{Broker, HttpRequest, ServerConfig};
    ///
    /// let mut broker = Broker::new(ServerConfig::default());
    /// let answer = broker.http(&HttpRequest::new("GET", "/", 1_700_000_000), Instant::ORIGIN);
    /// assert_eq!(answer.status, 200);
    /// ```
    pub fn new(method: impl Into<String>, target: impl Into<String>, unix_time: u64) -> Self {
        Self { method: method.into(), target: target.into(), body: Vec::new(), unix_time }
    }

    setters! {
        /// Sets the body.
        body: Vec<u8>;
    }
}

/// The answer to an [`HttpRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// A JSON object where `status` is 200, else a sentence that says what is wrong.
    pub body: String,
}

impl HttpResponse {
    pub(super) fn json(value: &Value) -> Self {
        Self { status: 200, body: value.to_string() }
    }

    pub(super) fn error(status: u16, reason: impl Into<String>) -> Self {
        Self { status, body: reason.into() }
    }

    /// Returns the content type of the body.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        if self.status == 200 { "application/json" } else { "text/plain; charset=utf-8" }
    }
}

/// The query's parameters, decoded; a name may come twice.
type Query<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

impl Broker {
    /// Handles a request to the HTTP API, and returns the response.
    ///
    /// 400 for what cannot be understood, 401 with a reason for a bad signature or timestamp, 404
    /// for another app or path, 405 for another method, 413 for data that is too large.
    pub fn http(&mut self, request: &HttpRequest, now: Instant) -> HttpResponse {
        let response = self.carry_out(request, now);
        self.note_request(&request.method, &request.target, response.status, &response.body);
        response
    }

    /// Handles a request without a note that it was answered.
    pub(crate) fn carry_out(&mut self, request: &HttpRequest, now: Instant) -> HttpResponse {
        self.clock(now);
        self.route(request).unwrap_or_else(|error| error)
    }

    fn route(&mut self, request: &HttpRequest) -> Result<HttpResponse, HttpResponse> {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if path == "/" && request.method == "GET" {
            return Ok(HttpResponse::json(&json!({ "ok": true })));
        }
        let segments = path
            .strip_prefix("/apps/")
            .map(|rest| rest.split('/').map(decoded).collect::<Option<Vec<_>>>())
            .ok_or_else(|| HttpResponse::error(404, "Not found"))?
            .ok_or_else(|| HttpResponse::error(400, "The path is not UTF-8"))?;
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        let (&app, rest) = segments.split_first().expect("splitting gives at least one part");
        if app != self.config.app.id {
            return Err(HttpResponse::error(404, format!("No app with id {app}")));
        }
        let query: Query<'_> = form_urlencoded::parse(query.as_bytes()).collect();
        self.check_request(request, path, &query)?;
        match (request.method.as_str(), rest) {
            ("POST", ["events"]) => self.post_event(&request.body),
            ("POST", ["batch_events"]) => self.post_batch(&request.body),
            ("GET", ["channels"]) => self.get_channels(&query),
            ("GET", ["channels", name]) => self.get_channel(name, &query),
            ("GET", ["channels", name, "users"]) => self.get_users(name),
            ("POST", ["users", user_id, "terminate_connections"]) => {
                self.terminate_user(user_id);
                Ok(HttpResponse::json(&json!({})))
            }
            (_, ["events" | "batch_events" | "channels", ..] | ["users", _, _]) => {
                Err(HttpResponse::error(405, "Method not allowed"))
            }
            _ => Err(HttpResponse::error(404, "Not found")),
        }
    }

    /// Checks key, version, timestamp, body digest and signature of a request.
    fn check_request(
        &self,
        request: &HttpRequest,
        path: &str,
        query: &Query<'_>,
    ) -> Result<(), HttpResponse> {
        let unauthorized = |reason: &str| Err(HttpResponse::error(401, reason));
        let app = &self.config.app;
        if parameter(query, "auth_key") != Some(&app.key) {
            return unauthorized("auth_key is missing or not the key of this app");
        }
        if parameter(query, "auth_version") != Some("1.0") {
            return unauthorized("auth_version must be 1.0");
        }
        let Some(timestamp) =
            parameter(query, "auth_timestamp").and_then(|text| text.parse::<u64>().ok())
        else {
            return unauthorized("auth_timestamp is missing or not a number of seconds");
        };
        if timestamp.abs_diff(request.unix_time) > TOLERATED_SKEW {
            return Err(HttpResponse::error(
                401,
                format!(
                    "Timestamp expired: auth_timestamp {timestamp} is not within {TOLERATED_SKEW} s \
                     of the server's time {}",
                    request.unix_time
                ),
            ));
        }
        let body_md5 = parameter(query, "body_md5");
        let is_body_right = match body_md5 {
            Some(digest) => digest == signature::body_md5(&request.body),
            None => request.body.is_empty(),
        };
        if !is_body_right {
            return unauthorized("body_md5 is not the MD5 of the body");
        }
        let Some(auth_signature) = parameter(query, "auth_signature") else {
            return unauthorized("auth_signature is missing");
        };
        let signed = signed_query(query);
        let parts = [&*request.method, "\n", path, "\n", &signed];
        if !signature::verify(&app.secret, &parts, auth_signature) {
            return Err(HttpResponse::error(
                401,
                format!(
                    "Invalid signature: you should have sent HmacSHA256Hex({:?}, your_secret_key)",
                    parts.concat()
                ),
            ));
        }
        Ok(())
    }

    fn get_channels(&self, query: &Query<'_>) -> Result<HttpResponse, HttpResponse> {
        let prefix = parameter(query, "filter_by_prefix").unwrap_or("");
        let info = Info::parse(parameter(query, "info"));
        if info.user_count && Kind::of(prefix) != Kind::Presence {
            let reason = "user_count may only be asked for with filter_by_prefix presence-";
            return Err(HttpResponse::error(400, reason));
        }
        let channels: Map<_, _> = self
            .channels
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(name, _)| (name.clone(), Value::Object(self.info(name, info))))
            .collect();
        Ok(HttpResponse::json(&json!({ "channels": channels })))
    }

    fn get_channel(&self, name: &str, query: &Query<'_>) -> Result<HttpResponse, HttpResponse> {
        let info = Info::parse(parameter(query, "info"));
        if info.user_count && Kind::of(name) != Kind::Presence {
            let reason = "user_count may only be asked for on presence channels";
            return Err(HttpResponse::error(400, reason));
        }
        let mut answer = self.info(name, info);
        answer.insert("occupied".to_owned(), self.channels.contains_key(name).into());
        if info.cache
            && let Some((cached, left)) = self.cached(name)
        {
            // As Sockudo and the hosted service say it: the seconds that are left.
            let cache = json!({ "data": cached.data, "ttl": left.as_secs() });
            answer.insert("cache".to_owned(), cache);
        }
        Ok(HttpResponse::json(&Value::Object(answer)))
    }

    fn get_users(&self, name: &str) -> Result<HttpResponse, HttpResponse> {
        if Kind::of(name) != Kind::Presence {
            return Err(HttpResponse::error(400, "Users can only be listed on presence channels"));
        }
        let users: Vec<_> = self.members(name).map(|id| json!({ "id": id })).collect();
        Ok(HttpResponse::json(&json!({ "users": users })))
    }

    /// Returns what is known of a channel, as far as it was asked for and applies.
    pub(super) fn info(&self, name: &str, info: Info) -> Map<String, Value> {
        let mut answer = Map::new();
        if info.user_count && Kind::of(name) == Kind::Presence {
            answer.insert("user_count".to_owned(), self.members(name).count().into());
        }
        if info.subscription_count {
            answer.insert("subscription_count".to_owned(), self.subscribers(name).count().into());
        }
        answer
    }
}

/// Which facts of a channel were asked for: `info=user_count,subscription_count`, and `cache` of one
/// channel.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Info {
    user_count: bool,
    subscription_count: bool,
    cache: bool,
}

impl Info {
    pub(super) fn parse(text: Option<&str>) -> Self {
        let mut info = Self::default();
        for name in text.unwrap_or("").split(',') {
            match name.trim() {
                "user_count" => info.user_count = true,
                "subscription_count" => info.subscription_count = true,
                "cache" => info.cache = true,
                _ => {}
            }
        }
        info
    }
}

fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok()
}

fn parameter<'q>(query: &'q Query<'_>, name: &str) -> Option<&'q str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
}

/// Returns the query as it is signed: sorted by lower-case name, values not encoded, without the
/// signature.
fn signed_query(query: &Query<'_>) -> String {
    let mut pairs: Vec<_> = query
        .iter()
        .filter(|(key, _)| key != "auth_signature")
        .map(|(key, value)| (key.to_lowercase(), value))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join("&")
}
