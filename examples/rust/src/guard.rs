//! Every request to the MCP address comes here first. The MCP server behind sees what was let in, and no token.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode, request::Parts};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Value, json};

use crate::limits::Limits;
use crate::settings::Settings;
use crate::token::{Caller, Failure, Verifier};
use crate::tools::{BASE_SCOPES, TOOL_SCOPES};

/// Content of 5 MiB, with room for the escapes of JSON.
const MAX_BODY_BYTES: usize = 8_388_608;
const BODY_TIME: Duration = Duration::from_secs(20);
/// Methods that need a valid token and no scope. What is neither here nor a call of a tool is refused.
const OPEN_METHODS: &[&str] = &["initialize", "ping", "server/discover", "tools/list"];

pub struct Guard {
    verifier: Verifier,
    limits: Limits,
    metadata_url: String,
    client_id: Option<String>,
}

/// Why a request is not let in. `reason` is for the log.
struct Refusal {
    reason: &'static str,
    answer: Answer,
}

enum Answer {
    /// No token: what is needed, and no error (RFC 6750 section 3.1).
    TokenMissing,
    /// One answer for every bad token, so that it does not tell what was wrong.
    TokenBad,
    AuthorizationBad,
    ScopeMissing(&'static [&'static str]),
    LimitReached(Duration),
    Unavailable,
    /// Not a message that can be judged.
    MessageBad(StatusCode, &'static str),
    /// A JSON-RPC error that MCP has for it.
    Error {
        status: StatusCode,
        id: Value,
        code: i32,
        message: &'static str,
    },
}

/// What is known of a request when its record is written.
#[derive(Default)]
struct Facts {
    caller: Option<Caller>,
    action: Option<&'static str>,
}

pub async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut facts = Facts::default();
    match guard.admit(request, &mut facts).await {
        Ok(request) => {
            record("allowed", "granted", None, &facts);
            next.run(request).await
        }
        Err(refusal) => {
            let response = guard.answer(refusal.answer);
            record("refused", refusal.reason, Some(response.status()), &facts);
            response
        }
    }
}

impl Guard {
    pub fn new(settings: &Settings) -> Self {
        Self {
            verifier: Verifier::new(settings),
            limits: Limits::new(settings.calls_per_minute),
            metadata_url: settings.metadata_url(),
            client_id: settings.client_id.clone(),
        }
    }

    /// The path of a request: token, caller, limit, message, scopes. Nothing runs before the end of it.
    async fn admit(&self, request: Request, facts: &mut Facts) -> Result<Request, Refusal> {
        let (mut parts, body) = request.into_parts();
        let token = read_token(&parts.headers)?;
        let caller = self.verifier.verify(token).await.map_err(|failure| match failure {
            Failure::Invalid(reason) => refuse(reason, Answer::TokenBad),
            Failure::Unavailable => refuse("issuer_unavailable", Answer::Unavailable),
        })?;
        let caller = facts.caller.insert(caller);
        if self.client_id.as_ref().is_some_and(|client_id| *client_id != caller.client) {
            return Err(refuse("client_refused", Answer::TokenBad));
        }
        let key = format!("{} {}", caller.client, caller.subject);
        let limit = self.limits.take(&key, Instant::now());
        limit.map_err(|wait| refuse("caller_limit_reached", Answer::LimitReached(wait)))?;

        parts.headers.remove(header::AUTHORIZATION);
        if parts.method != Method::POST {
            return Ok(Request::from_parts(parts, Body::empty())); // The MCP server answers 405.
        }
        let message = read_message(body).await?;
        facts.action = Some(judge(&parts, &message, caller)?);
        // The very message that was judged goes on: two readers of one body may read two things.
        let body = message.to_string();
        parts.headers.insert(header::CONTENT_LENGTH, body.len().into());
        parts.headers.remove(header::TRANSFER_ENCODING);
        Ok(Request::from_parts(parts, body.into()))
    }

    fn answer(&self, answer: Answer) -> Response {
        let base = BASE_SCOPES.join(" ");
        match answer {
            Answer::TokenMissing => {
                self.challenge(StatusCode::UNAUTHORIZED, None, "An access token is required.", &base)
            }
            Answer::TokenBad => {
                let description = "The access token is not valid here. Get a new one.";
                self.challenge(StatusCode::UNAUTHORIZED, Some("invalid_token"), description, &base)
            }
            Answer::AuthorizationBad => {
                let description = "Send exactly one Authorization header with one bearer token.";
                self.challenge(StatusCode::BAD_REQUEST, Some("invalid_request"), description, &base)
            }
            Answer::ScopeMissing(scopes) => {
                let scope = scopes.join(" ");
                let description = format!("Token missing required scope: {scope}");
                self.challenge(StatusCode::FORBIDDEN, Some("insufficient_scope"), &description, &scope)
            }
            Answer::LimitReached(wait) => {
                let seconds = wait.as_secs_f64().ceil().max(1.0).to_string();
                let body = oauth_error("rate_limited", "Too many requests. Try again after the time in Retry-After.");
                reply(StatusCode::TOO_MANY_REQUESTS, &body, &[(header::RETRY_AFTER, &seconds)])
            }
            Answer::Unavailable => {
                let body = oauth_error("temporarily_unavailable", "This request cannot be decided right now.");
                reply(StatusCode::SERVICE_UNAVAILABLE, &body, &[(header::RETRY_AFTER, "5")])
            }
            Answer::MessageBad(status, description) => reply(status, &oauth_error("invalid_request", description), &[]),
            Answer::Error { status, id, code, message } => {
                let error = json!({ "code": code, "message": message });
                reply(status, &json!({ "jsonrpc": "2.0", "id": id, "error": error }), &[])
            }
        }
    }

    /// An answer that says which token would do, and where to get it.
    fn challenge(&self, status: StatusCode, error: Option<&str>, description: &str, scope: &str) -> Response {
        let failed =
            error.map_or_else(String::new, |error| format!(r#"error="{error}", error_description="{description}", "#));
        let metadata = &self.metadata_url;
        let challenge = format!(r#"Bearer {failed}scope="{scope}", resource_metadata="{metadata}""#);
        let mut body = oauth_error(error.unwrap_or("unauthorized"), description);
        body["scope"] = scope.into();
        reply(status, &body, &[(header::WWW_AUTHENTICATE, &challenge)])
    }
}

/// The one bearer token of a request (RFC 6750 section 2.1). Tokens in the query or in a form are not looked for.
fn read_token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(refuse("token_missing", Answer::TokenMissing));
    };
    if values.next().is_some() {
        return Err(refuse("authorization_repeated", Answer::AuthorizationBad));
    }
    let value = value.to_str().map_err(|_| refuse("authorization_malformed", Answer::AuthorizationBad))?;
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refuse("token_missing", Answer::TokenMissing));
    }
    let token = rest.trim_start_matches(' ');
    let characters = token.trim_end_matches('=');
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    if characters.is_empty() || !characters.bytes().all(good) {
        return Err(refuse("authorization_malformed", Answer::AuthorizationBad));
    }
    Ok(token)
}

async fn read_message(body: Body) -> Result<Value, Refusal> {
    let Ok(arrived) = tokio::time::timeout(BODY_TIME, to_bytes(body, MAX_BODY_BYTES)).await else {
        let description = "The body did not arrive in time.";
        return Err(refuse("body_incomplete", Answer::MessageBad(StatusCode::REQUEST_TIMEOUT, description)));
    };
    let Ok(bytes) = arrived else {
        let description = "The body is too large, or did not arrive whole.";
        return Err(refuse("body_too_large", Answer::MessageBad(StatusCode::PAYLOAD_TOO_LARGE, description)));
    };
    match serde_json::from_slice(&bytes) {
        Ok(message @ Value::Object(_)) => Ok(message),
        _ => {
            let description = "The body must be one JSON-RPC message; batches are not taken.";
            Err(refuse("body_unparsable", Answer::MessageBad(StatusCode::BAD_REQUEST, description)))
        }
    }
}

/// May this caller send this message? Returns what it wants done, in a name of ours.
fn judge(parts: &Parts, message: &Value, caller: &Caller) -> Result<&'static str, Refusal> {
    let Some(method) = message["method"].as_str() else {
        let description = "The message has no method.";
        return Err(refuse("message_invalid", Answer::MessageBad(StatusCode::BAD_REQUEST, description)));
    };
    if method == "tools/call" {
        let name = message["params"]["name"].as_str();
        let Some((tool, scopes)) = TOOL_SCOPES.iter().find(|(tool, _)| name == Some(tool)) else {
            let id = message["id"].clone();
            let answer = Answer::Error { status: StatusCode::OK, id, code: -32602, message: "Unknown tool" };
            return Err(refuse("tool_unknown", answer));
        };
        if !scopes.iter().all(|scope| caller.scopes.contains(*scope)) {
            return Err(refuse("scope_missing", Answer::ScopeMissing(scopes)));
        }
        return Ok(tool);
    }
    if message.get("id").is_none() && method.starts_with("notifications/") {
        return Ok("notification");
    }
    OPEN_METHODS.iter().find(|open| method == **open).copied().ok_or_else(|| {
        // The revision of 2026 has a status for it; in those before, the error stands in an ordinary answer.
        let version = parts.headers.get("mcp-protocol-version").map_or(&b""[..], HeaderValue::as_bytes);
        let status = if version >= b"2026".as_slice() { StatusCode::NOT_FOUND } else { StatusCode::OK };
        let id = message["id"].clone();
        refuse("method_unknown", Answer::Error { status, id, code: -32601, message: "Method not found" })
    })
}

fn refuse(reason: &'static str, answer: Answer) -> Refusal {
    Refusal { reason, answer }
}

fn oauth_error(error: &str, description: &str) -> Value {
    json!({ "error": error, "error_description": description })
}

fn reply(status: StatusCode, body: &Value, headers: &[(header::HeaderName, &str)]) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in headers {
        // All of it comes from our own tables and from settings that have been checked.
        let value = HeaderValue::from_str(value).expect("a value that a header can have");
        response.headers_mut().insert(name, value);
    }
    response
}

fn record(outcome: &str, reason: &str, status: Option<StatusCode>, facts: &Facts) {
    let mut fields = vec![("outcome", outcome), ("reason", reason)];
    if let Some(status) = &status {
        fields.push(("status", status.as_str()));
    }
    if let Some(action) = facts.action {
        fields.push(("action", action));
    }
    if let Some(caller) = &facts.caller {
        fields.extend([("subject", &*caller.subject), ("client", &*caller.client)]);
    }
    crate::log::write(&fields);
}
