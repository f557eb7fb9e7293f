//! The MCP server: three tools that know neither tokens nor HTTP.

use std::sync::Arc;

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock, Implementation, ServerCapabilities, ServerConfig};
use rmcp::schemars::JsonSchema;
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::files::{Failure, MAX_ENTRIES, Root};

/// The scopes of each tool. A tool that has no row here is refused to everybody.
pub const TOOL_SCOPES: &[(&str, &[&str])] =
    &[("read_file", &["files:read"]), ("write_file", &["files:write"]), ("list_files", &["files:list"])];

/// Every scope that this server knows; published in its metadata.
pub const SCOPES: &[&str] = &["files:list", "files:read", "files:write"];

/// What a first login should ask for. Writing is asked for when it is needed.
pub const BASE_SCOPES: &[&str] = &["files:list", "files:read"];

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
struct ReadFile {
    /// Path relative to the root, for example "notes/today.md".
    path: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
struct WriteFile {
    /// Path relative to the root, for example "notes/today.md".
    path: String,
    /// The whole content of the file.
    content: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
struct ListFiles {
    /// Directory to list; "" is the root.
    #[serde(default)]
    path: String,
}

#[derive(Clone)]
pub struct FilesServer {
    root: Arc<Root>,
}

#[tool_router]
impl FilesServer {
    pub fn new(root: Arc<Root>) -> Self {
        Self { root }
    }

    #[tool(description = "Reads a text file of up to 1 MiB. Symbolic links are not followed.")]
    async fn read_file(&self, Parameters(ReadFile { path }): Parameters<ReadFile>) -> CallToolResult {
        self.serve(move |root| {
            let text = root.read(&path)?;
            let facts = json!({ "path": path, "size": text.len(), "text": text });
            Ok((text, facts))
        })
        .await
    }

    #[tool(
        description = "Writes a whole text file of up to 5 MiB and makes missing directories. Replaces what is there."
    )]
    async fn write_file(&self, Parameters(WriteFile { path, content }): Parameters<WriteFile>) -> CallToolResult {
        self.serve(move |root| {
            let created = root.write(&path, &content)?;
            let done = if created { "Created" } else { "Wrote" };
            let text = format!("{done} {path:?}: {} bytes", content.len());
            Ok((text, json!({ "path": path, "size": content.len(), "created": created })))
        })
        .await
    }

    #[tool(description = "Lists a directory, sorted by name. Symbolic links are shown and not followed.")]
    async fn list_files(&self, Parameters(ListFiles { path }): Parameters<ListFiles>) -> CallToolResult {
        self.serve(move |root| {
            let listing = root.list(&path)?;
            let parent = if path.is_empty() || path == "." { String::new() } else { format!("{path}/") };
            let mut lines = Vec::new();
            let mut entries = Vec::new();
            for entry in &listing.entries {
                let full = format!("{parent}{}", entry.name);
                let mut facts = json!({ "path": full, "type": entry.kind });
                if let Some(size) = entry.size {
                    facts["size"] = json!(size);
                }
                lines.push(format!("{full} ({})", entry.kind));
                entries.push(facts);
            }
            if listing.cut {
                lines.push(format!("[Only the first {MAX_ENTRIES} are shown.]"));
            } else if lines.is_empty() {
                lines.push("[The directory is empty.]".to_owned());
            }
            Ok((lines.join("\n"), json!({ "entries": entries })))
        })
        .await
    }

    /// Runs a call on a thread of its own, as the disk may be slow, and says what came of it.
    async fn serve(
        &self,
        call: impl FnOnce(&Root) -> Result<(String, Value), Failure> + Send + 'static,
    ) -> CallToolResult {
        let root = Arc::clone(&self.root);
        match tokio::task::spawn_blocking(move || call(&root)).await {
            Ok(Ok((text, facts))) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
                result.structured_content = Some(facts);
                result
            }
            Ok(Err(Failure { code, message })) => {
                CallToolResult::error(vec![ContentBlock::text(format!("{code}: {message}"))])
            }
            Err(_) => CallToolResult::error(vec![ContentBlock::text("io_error: The call did not finish.")]),
        }
    }
}

#[tool_handler]
impl ServerHandler for FilesServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("files", env!("CARGO_PKG_VERSION")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_scopes_and_every_scope_is_published() {
        let mut tools: Vec<_> =
            FilesServer::tool_router().list_all().into_iter().map(|tool| tool.name.to_string()).collect();
        let mut rules: Vec<_> = TOOL_SCOPES.iter().map(|(name, _)| (*name).to_owned()).collect();
        tools.sort();
        rules.sort();
        assert_eq!(tools, rules);
        let scopes: Vec<_> = TOOL_SCOPES.iter().flat_map(|(_, scopes)| scopes.iter()).collect();
        assert!(!scopes.is_empty() && scopes.iter().all(|scope| SCOPES.contains(scope)));
    }
}
