//! What the server is told by its environment. All that it publishes comes from here, and nothing from a request.

use std::path::PathBuf;

use axum::http::Uri;

pub struct Settings {
    pub host: String,
    pub port: u16,
    /// The address that clients use: the resource identifier (RFC 8707), byte for byte.
    pub resource: String,
    /// The path in it.
    pub path: String,
    /// Scheme, host and port of it.
    pub origin: String,
    pub issuer: String,
    /// Where the issuer's metadata may be, in the order of asking.
    pub discovery_urls: Vec<String>,
    /// The one client whose tokens are taken; any client of the issuer if absent.
    pub client_id: Option<String>,
    pub files_root: PathBuf,
    pub calls_per_minute: u32,
}

impl Settings {
    /// Reads the environment, or says everything that is wrong with it.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut problems = Vec::new();
        let host = given("HOST").unwrap_or_else(|| "127.0.0.1".to_owned());
        let port = given("PORT").map_or(Ok(3000), |port| port.parse()).unwrap_or_else(|_| {
            problems.push("PORT: must be a whole number from 0 to 65535.".to_owned());
            0
        });
        let calls_per_minute = match given("CALLS_PER_MINUTE").map_or(Ok(60), |count| count.parse()) {
            Ok(count) if count > 0 => count,
            _ => {
                problems.push("CALLS_PER_MINUTE: must be a whole number above 0.".to_owned());
                1
            }
        };
        let resource = given("MCP_SERVER_URL").unwrap_or_else(|| format!("http://127.0.0.1:{port}/mcp"));
        let (origin, path) = split_url(&resource).unwrap_or_else(|| {
            let form = "https://mcp.example.com/mcp: https (http on loopback), a path, no final slash, no query";
            problems.push(format!("MCP_SERVER_URL: must be of the form {form}."));
            Default::default()
        });

        let casdoor = given("CASDOOR_URL");
        let (name, issuer) = match (&casdoor, given("ISSUER")) {
            (Some(_), Some(_)) => {
                problems.push("CASDOOR_URL, ISSUER: give one of them.".to_owned());
                ("ISSUER", String::new())
            }
            (Some(url), None) => ("CASDOOR_URL", url.clone()),
            (None, Some(url)) => ("ISSUER", url),
            (None, None) => ("ISSUER", "http://127.0.0.1:8081".to_owned()),
        };
        if !issuer.is_empty() && (!is_https_or_loopback(&issuer) || issuer.ends_with('/')) {
            problems.push(format!("{name}: must be the issuer as its tokens name it: https (http on loopback)."));
        }
        let discovery_urls = match (casdoor.is_some(), given("CASDOOR_APPLICATION")) {
            // Keys of this application alone; Casdoor's global list has those of every application.
            (true, Some(application)) => {
                vec![format!("{issuer}/.well-known/{application}/openid-configuration")]
            }
            (true, None) => {
                problems.push("CASDOOR_APPLICATION: name the application whose tokens are taken.".to_owned());
                Vec::new()
            }
            (false, _) => discovery_urls(&issuer),
        };
        if !problems.is_empty() {
            return Err(problems.join("\n"));
        }
        Ok(Self {
            host,
            port,
            resource,
            path,
            origin,
            issuer,
            discovery_urls,
            client_id: given("CASDOOR_ALLOW_CLIENT"),
            files_root: given("FILES_ROOT").unwrap_or_else(|| ".".to_owned()).into(),
            calls_per_minute,
        })
    }

    /// Where the metadata stands: path-inserted (RFC 9728 section 3.1), the address that challenges point to.
    pub fn metadata_url(&self) -> String {
        format!("{}{}", self.origin, self.metadata_path())
    }

    pub fn metadata_path(&self) -> String {
        format!("{WELL_KNOWN}{}", self.path)
    }
}

pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The addresses of RFC 8414 section 3.1 and of OpenID Connect Discovery, both of which issuers with a path use.
fn discovery_urls(issuer: &str) -> Vec<String> {
    let start = issuer.find("://").map_or(0, |at| at + 3);
    let (origin, path) = issuer.split_at(issuer[start..].find('/').map_or(issuer.len(), |at| start + at));
    let mut urls = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
        format!("{issuer}/.well-known/openid-configuration"),
    ];
    urls.dedup();
    urls
}

fn split_url(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    let path = uri.path().to_owned();
    let origin = url.strip_suffix(&path)?.to_owned(); // None if there is a query.
    let plain = path.len() > 1 && !path.ends_with('/') && !path.contains(['{', '}', '%']) && !url.contains(['#', '"']);
    (plain && is_https_or_loopback(url)).then_some((origin, path))
}

/// A token must not travel in the clear, nor keys come from whoever sits in between.
pub fn is_https_or_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let loopback = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    plain && (uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(|name| given.iter().find(|(each, _)| *each == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_metadata_stands_at_the_path_inserted_address() {
        let settings = read(&[("MCP_SERVER_URL", "https://mcp.example.com/a/mcp")]).ok().unwrap();
        let expected = "https://mcp.example.com/.well-known/oauth-protected-resource/a/mcp";
        assert_eq!(settings.metadata_url(), expected);
    }

    #[test]
    fn all_mistakes_are_said_at_once() {
        let mistakes = [("PORT", "x"), ("CALLS_PER_MINUTE", "0"), ("ISSUER", "http://example.com")];
        let problem = read(&mistakes).err().unwrap();
        assert_eq!(problem.lines().count(), 3, "{problem}");
    }

    #[test]
    fn addresses_that_clients_or_tokens_could_read_in_two_ways_are_refused() {
        for url in ["http://mcp.example.com/mcp", "https://h", "https://h/", "https://h/mcp/", "https://h/mcp?a", "mcp"]
        {
            assert!(read(&[("MCP_SERVER_URL", url)]).is_err(), "{url}");
        }
        assert!(read(&[("MCP_SERVER_URL", "https://h/mcp")]).is_ok());
        assert!(read(&[("CASDOOR_URL", "https://h")]).is_err());
        assert!(read(&[("CASDOOR_URL", "https://h"), ("CASDOOR_APPLICATION", "files")]).is_ok());
    }

    #[test]
    fn an_issuer_with_a_path_is_asked_in_every_usual_way() {
        assert_eq!(
            discovery_urls("https://h/a"),
            [
                "https://h/.well-known/oauth-authorization-server/a",
                "https://h/.well-known/openid-configuration/a",
                "https://h/a/.well-known/openid-configuration",
            ]
        );
        assert_eq!(discovery_urls("https://h").len(), 2);
    }
}
