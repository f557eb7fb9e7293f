//! A files server over streamable HTTP that takes the access tokens of one OAuth issuer.

mod files;
mod guard;
mod keys;
mod limits;
mod log;
mod settings;
mod token;
mod tools;

use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use tokio::net::TcpListener;

use crate::files::Root;
use crate::guard::{Guard, guard};
use crate::settings::{Settings, WELL_KNOWN};
use crate::tools::{FilesServer, SCOPES};

#[tokio::main]
async fn main() -> ExitCode {
    let started = Settings::read(|name| std::env::var(name).ok());
    match serve(started).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(settings: Result<Settings, String>) -> Result<(), String> {
    let settings = settings?;
    let root = Root::open(&settings.files_root)
        .map_err(|error| format!("FILES_ROOT: {:?} cannot be opened: {error}.", settings.files_root))?;
    let address = (settings.host.as_str(), settings.port);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("Cannot listen on {} port {}: {error}.", settings.host, settings.port))?;
    println!("Listening on {}", settings.resource);
    axum::serve(listener, router(&settings, Arc::new(root)))
        .with_graceful_shutdown(stopped())
        .await
        .map_err(|error| format!("The server failed: {error}."))
}

fn router(settings: &Settings, root: Arc<Root>) -> Router {
    // Behind a proxy, Host is what clients wrote; started by hand, it is loopback.
    let host = settings.origin.split_once("://").map_or("", |(_, host)| host);
    let transport = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(usize::MAX) // The guard has bounded it.
        .with_allowed_hosts([host, "localhost", "127.0.0.1", "::1"])
        .enforce_origin_validation(); // No page of a browser is meant to call this.
    let make_server = move || Ok(FilesServer::new(Arc::clone(&root)));
    let mcp = StreamableHttpService::new(make_server, Arc::new(NeverSessionManager::default()), transport);
    let slashed = format!("{}/", settings.path); // Some clients add the slash; nobody is redirected.
    let protected = Router::new()
        .route_service(&settings.path, mcp.clone())
        .route_service(&slashed, mcp)
        .route_layer(from_fn_with_state(Arc::new(Guard::new(settings)), guard));

    let document = json!({
        "resource": settings.resource,
        "authorization_servers": [settings.issuer],
        "scopes_supported": SCOPES,
        "bearer_methods_supported": ["header"],
        "resource_name": "Files",
    })
    .to_string();
    let read = async move || {
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "public, max-age=300"),
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        ];
        (headers, document)
    };
    let preflight = async || {
        let headers = [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "mcp-protocol-version"),
        ];
        (StatusCode::NO_CONTENT, headers)
    };
    let metadata = get(read).options(preflight);
    // Path-inserted, as RFC 9728 section 3.1 says, and at the root, for clients that ask only there.
    protected.route(&settings.metadata_path(), metadata.clone()).route(WELL_KNOWN, metadata)
}

async fn stopped() {
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("this system has the signal");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
