//! The issuer's keys: found by discovery, kept, and fetched again when a token asks for it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::settings::{Settings, is_https_or_loopback};

/// Keys younger than this are used without asking.
const MAX_AGE: Duration = Duration::from_secs(600);
/// How long the last good keys outlive an issuer that cannot be reached.
const STALE_LIMIT: Duration = Duration::from_secs(3600);
/// Fetches that tokens can cause: two at once, so that a change just after a start is seen, then one in this time.
const COOLDOWN: Duration = Duration::from_secs(30);
const BURST: f64 = 2.0;
/// How long to leave an issuer alone that did not answer.
const RETRY_AFTER: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_DOCUMENT_BYTES: u64 = 1_048_576;
const MIN_RSA_BYTES: usize = 256;

/// One key, and the one algorithm that it is used with.
pub struct Key {
    pub id: Option<String>,
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

pub struct KeySet {
    pub keys: Vec<Key>,
    fetched_at: Instant,
}

/// There are no keys to judge a token with: neither the caller's fault nor a reason to let anybody in.
#[derive(Debug)]
pub struct Unavailable;

pub struct Keys {
    source: Arc<Source>,
    current: RwLock<Option<Arc<KeySet>>>,
    /// Held during a fetch, so that there is one at a time.
    fetches: Mutex<Fetches>,
}

struct Source {
    agent: ureq::Agent,
    issuer: String,
    discovery_urls: Vec<String>,
}

struct Fetches {
    /// What tokens may still cause.
    budget: f64,
    budget_at: Instant,
    failed_at: Option<Instant>,
}

impl Keys {
    pub fn new(settings: &Settings) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0) // Keys come from the address that was configured.
            .build()
            .into();
        let source = Source { agent, issuer: settings.issuer.clone(), discovery_urls: settings.discovery_urls.clone() };
        let fetches = Fetches { budget: BURST, budget_at: Instant::now(), failed_at: None };
        Self { source: Arc::new(source), current: RwLock::new(None), fetches: Mutex::new(fetches) }
    }

    /// The keys to judge a token with.
    pub async fn current(&self) -> Result<Arc<KeySet>, Unavailable> {
        let Some(set) = self.loaded() else {
            let mut fetches = self.fetches.lock().await;
            return match self.loaded() {
                Some(set) => Ok(set), // Somebody else's fetch was the one to wait for.
                None => self.fetch(&mut fetches).await,
            };
        };
        let age = set.fetched_at.elapsed();
        if age < MAX_AGE {
            return Ok(set);
        }
        // Good keys are used while one request asks for newer ones.
        let newer = match self.fetches.try_lock() {
            Ok(mut fetches) => self.fetch(&mut fetches).await,
            Err(_) => Err(Unavailable),
        };
        newer.or_else(|failure| if age < STALE_LIMIT { Ok(set) } else { Err(failure) })
    }

    /// Newer keys than those that did not fit a token, or `None` if it is too early to ask again.
    ///
    /// Issuers add keys under new ids, and some replace a key under its old id. Made-up ids and signatures cause no
    /// more fetches than the budget allows, whoever sends them.
    pub async fn newer_than(&self, seen: &Arc<KeySet>) -> Result<Option<Arc<KeySet>>, Unavailable> {
        let mut fetches = self.fetches.lock().await;
        if let Some(set) = self.loaded()
            && !Arc::ptr_eq(&set, seen)
        {
            return Ok(Some(set));
        }
        let elapsed = fetches.budget_at.elapsed().as_secs_f64() / COOLDOWN.as_secs_f64();
        fetches.budget = (fetches.budget + elapsed).min(BURST);
        fetches.budget_at = Instant::now();
        if fetches.budget < 1.0 {
            // The right key may be one that the issuer could not tell us.
            return if fetches.failed_at.is_some() { Err(Unavailable) } else { Ok(None) };
        }
        fetches.budget -= 1.0;
        self.fetch(&mut fetches).await.map(Some)
    }

    fn loaded(&self) -> Option<Arc<KeySet>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self, fetches: &mut Fetches) -> Result<Arc<KeySet>, Unavailable> {
        if fetches.failed_at.is_some_and(|failed_at| failed_at.elapsed() < RETRY_AFTER) {
            return Err(Unavailable);
        }
        let source = Arc::clone(&self.source);
        let fetched = tokio::task::spawn_blocking(move || source.fetch()).await;
        match fetched.unwrap_or_else(|_| Err("the fetch did not finish".to_owned())) {
            Ok(keys) => {
                fetches.failed_at = None;
                let set = Arc::new(KeySet { keys, fetched_at: Instant::now() });
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&set));
                Ok(set)
            }
            Err(problem) => {
                fetches.failed_at = Some(Instant::now());
                crate::log::write(&[("event", "keys_unavailable"), ("problem", &problem)]);
                Err(Unavailable)
            }
        }
    }
}

impl Source {
    fn fetch(&self) -> Result<Vec<Key>, String> {
        let mut problem = String::new();
        for url in &self.discovery_urls {
            match self.fetch_json(url).and_then(|document| self.read_keys_url(&document)) {
                Ok(keys_url) => return self.fetch_json(&keys_url).and_then(|document| read_keys(&document)),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    fn read_keys_url(&self, document: &Value) -> Result<String, String> {
        if document["issuer"].as_str() != Some(&self.issuer) {
            return Err("the discovery document names another issuer".to_owned());
        }
        match document["jwks_uri"].as_str() {
            Some(url) if is_https_or_loopback(url) => Ok(url.to_owned()),
            _ => Err("the discovery document has no usable jwks_uri".to_owned()),
        }
    }

    fn fetch_json(&self, url: &str) -> Result<Value, String> {
        let mut answer = self.agent.get(url).call().map_err(|error| format!("{url}: {error}"))?;
        if answer.status() != 200 {
            return Err(format!("{url}: status {}", answer.status()));
        }
        let body = answer.body_mut().with_config().limit(MAX_DOCUMENT_BYTES);
        body.read_json().map_err(|error| format!("{url}: {error}"))
    }
}

/// Reads a key set. What cannot be used to verify a signature is left out; a document that is no key set is an error.
fn read_keys(document: &Value) -> Result<Vec<Key>, String> {
    let keys = document["keys"].as_array().ok_or("the key set has no list of keys")?;
    Ok(keys.iter().filter_map(read_key).collect())
}

fn read_key(value: &Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
    let common = &jwk.common;
    let usable = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
        && common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let by_type = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => Algorithm::ES384,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None, // Not a public key, so not the issuer's to publish.
    };
    let algorithm = match value["alg"].as_str() {
        None => by_type,
        Some("Ed25519") => Algorithm::EdDSA, // RFC 9864
        Some(name) => name.parse().ok()?,
    };
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let long_enough = match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => n.len() >= MIN_RSA_BYTES && n[0] != 0,
        DecodingKeyKind::SecretOrDer(_) => true,
    };
    let fits = key.family() == algorithm.family();
    (usable && long_enough && fits).then_some(Key { id: jwk.common.key_id, algorithm, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rsa(bytes: usize) -> String {
        // Four characters stand for three bytes.
        "w".repeat(bytes.div_ceil(3) * 4)
    }

    #[test]
    fn keys_that_cannot_verify_signatures_are_left_out() {
        let good = json!({ "kty": "RSA", "kid": "1", "n": rsa(256), "e": "AQAB" });
        let set = |change: Value| {
            let mut key = good.clone();
            key.as_object_mut().unwrap().append(&mut change.as_object().unwrap().clone());
            read_keys(&json!({ "keys": [key] })).unwrap().len()
        };
        assert_eq!(set(json!({})), 1);
        assert_eq!(set(json!({ "alg": "RS256", "use": "sig", "key_ops": ["verify"] })), 1);
        assert_eq!(set(json!({ "use": "enc" })), 0);
        assert_eq!(set(json!({ "key_ops": ["encrypt"] })), 0);
        assert_eq!(set(json!({ "alg": "HS256" })), 0);
        assert_eq!(set(json!({ "alg": "ES256" })), 0);
        assert_eq!(set(json!({ "alg": "unheard-of" })), 0);
        assert_eq!(set(json!({ "n": rsa(128) })), 0);
        assert_eq!(set(json!({ "kty": "oct", "k": "c2VjcmV0" })), 0);
        assert_eq!(set(json!({ "kty": "unheard-of" })), 0);
    }

    #[test]
    fn a_document_without_a_list_of_keys_is_an_error_and_not_an_empty_set() {
        assert!(read_keys(&json!({ "status": "error" })).is_err());
        assert!(read_keys(&json!({ "keys": "none" })).is_err());
        assert_eq!(read_keys(&json!({ "keys": [] })).unwrap().len(), 0);
    }
}
