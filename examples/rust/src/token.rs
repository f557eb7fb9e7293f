//! Whose token is it, and is it one of ours?

use std::collections::HashSet;
use std::sync::Arc;

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::keys::{KeySet, Keys, Unavailable};
use crate::settings::Settings;

/// How far the issuer's clock may differ from ours.
const CLOCK_TOLERANCE_SECONDS: u64 = 30;
/// A longer token is refused before anything is computed. Casdoor's default format passes 8 KiB.
const MAX_TOKEN_BYTES: usize = 16_384;

/// A caller, proven by a token.
#[derive(Debug)]
pub struct Caller {
    pub subject: String,
    pub client: String,
    pub scopes: HashSet<String>,
}

/// Why a token did not prove a caller. The names are for the log; the caller is told only that the token is bad.
#[derive(Debug)]
pub enum Failure {
    Invalid(&'static str),
    /// The token may be good, but there are no keys to tell.
    Unavailable,
}

impl From<Unavailable> for Failure {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

#[derive(Deserialize)]
struct Claims {
    // A text, although RFC 7519 libraries let a list pass.
    iss: String,
    sub: String,
    #[serde(default)]
    scope: String,
    client_id: Option<String>,
    azp: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

pub struct Verifier {
    keys: Keys,
    issuer: String,
    resource: String,
}

impl Verifier {
    pub fn new(settings: &Settings) -> Self {
        Self { keys: Keys::new(settings), issuer: settings.issuer.clone(), resource: settings.resource.clone() }
    }

    pub async fn verify(&self, token: &str) -> Result<Caller, Failure> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Failure::Invalid("token_too_long"));
        }
        let header = decode_header(token).map_err(|_| Failure::Invalid("token_malformed"))?;
        let keys = self.keys.current().await?;
        match self.judge(token, &header, &keys) {
            // The issuer may have a new key, or another one under the same id.
            Err(reason @ ("key_unknown" | "signature_invalid")) => match self.keys.newer_than(&keys).await? {
                Some(newer) => self.judge(token, &header, &newer).map_err(Failure::Invalid),
                None => Err(Failure::Invalid(reason)),
            },
            judged => judged.map_err(Failure::Invalid),
        }
    }

    fn judge(&self, token: &str, header: &Header, set: &Arc<KeySet>) -> Result<Caller, &'static str> {
        let fitting: Vec<_> = set
            .keys
            .iter()
            .filter(|key| key.algorithm == header.alg && (header.kid.is_none() || key.id == header.kid))
            .collect();
        if fitting.is_empty() || (header.kid.is_none() && fitting.len() > 1) {
            return Err("key_unknown");
        }
        let mut failure = "signature_invalid";
        for key in fitting {
            let mut validation = Validation::new(key.algorithm);
            validation.leeway = CLOCK_TOLERANCE_SECONDS;
            validation.validate_nbf = true;
            validation.set_audience(&[&self.resource]);
            validation.set_issuer(&[&self.issuer]);
            validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
            match decode::<Claims>(token, &key.key, &validation) {
                Ok(proven) => return self.read(header, proven.claims),
                Err(error) => failure = reason(&error),
            }
            if failure != "signature_invalid" {
                break; // This key has signed it; another cannot mend what it says.
            }
        }
        Err(failure)
    }

    fn read(&self, header: &Header, claims: Claims) -> Result<Caller, &'static str> {
        if claims.iss != self.issuer {
            return Err("issuer_unknown");
        }
        if claims.sub.is_empty() || !claims.others.get("iat").is_some_and(Value::is_number) {
            return Err("claim_missing");
        }
        require_access_token(header, &claims.others)?;
        // Bound to a key or certificate that nobody has asked the sender for, so not good as it is.
        if claims.others.contains_key("cnf") {
            return Err("sender_unproven");
        }
        Ok(Caller {
            subject: claims.sub,
            client: claims.client_id.or(claims.azp).ok_or("claim_missing")?,
            scopes: claims.scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
        })
    }
}

/// Issuers sign ID, refresh and logout tokens with the same key. A token has to say that it is an access token.
///
/// RFC 9068 has `typ` for that. Casdoor calls everything `JWT` and says it in `tokenType`; the refresh tokens of one of
/// its formats say `access-token` there and the truth in `TokenType`, so the claim counts in whatever case it is
/// written. Casdoor's refresh tokens have no key id, and its logout tokens have `events`.
fn require_access_token(header: &Header, claims: &Map<String, Value>) -> Result<(), &'static str> {
    let mut uses = claims.iter().filter(|(name, _)| name.eq_ignore_ascii_case("tokentype")).peekable();
    let says_so = uses.peek().is_some();
    if !uses.all(|(_, value)| value == "access-token") || claims.contains_key("events") {
        return Err("token_use_refused");
    }
    let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
    match typ.strip_prefix("application/").unwrap_or(&typ) {
        "at+jwt" => Ok(()),
        "jwt" if says_so && header.kid.is_some() => Ok(()),
        _ => Err("token_type_refused"),
    }
}

fn reason(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::InvalidSignature => "signature_invalid",
        ErrorKind::ExpiredSignature => "token_expired",
        ErrorKind::ImmatureSignature => "token_not_yet_valid",
        ErrorKind::InvalidAudience => "audience_mismatch",
        ErrorKind::InvalidIssuer => "issuer_unknown",
        ErrorKind::MissingRequiredClaim(_) => "claim_missing",
        ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => "claim_invalid",
        _ => "token_malformed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judge(typ: Option<&str>, kid: Option<&str>, claims: Value) -> Result<(), &'static str> {
        let header = Header { typ: typ.map(str::to_owned), kid: kid.map(str::to_owned), ..Header::default() };
        require_access_token(&header, claims.as_object().unwrap())
    }

    #[test]
    fn only_access_tokens_are_taken() {
        let casdoor = json!({ "tokenType": "access-token" });
        assert_eq!(judge(Some("at+jwt"), None, json!({})), Ok(()));
        assert_eq!(judge(Some("application/AT+JWT"), None, json!({})), Ok(()));
        assert_eq!(judge(Some("JWT"), Some("1"), casdoor.clone()), Ok(()));
        assert_eq!(judge(None, Some("1"), casdoor.clone()), Ok(()));

        assert_eq!(judge(Some("JWT"), Some("1"), json!({})), Err("token_type_refused"));
        assert_eq!(judge(Some("JWT"), None, casdoor.clone()), Err("token_type_refused"));
        assert_eq!(judge(Some("logout+jwt"), Some("1"), casdoor), Err("token_type_refused"));
        for refused in [
            json!({ "tokenType": "refresh-token" }),
            json!({ "tokenType": "access-token", "TokenType": "refresh-token" }),
            json!({ "tokenType": 1 }),
            json!({ "tokenType": "access-token", "events": {} }),
        ] {
            assert_eq!(judge(Some("JWT"), Some("1"), refused.clone()), Err("token_use_refused"), "{refused}");
            assert_eq!(judge(Some("at+jwt"), Some("1"), refused.clone()), Err("token_use_refused"), "{refused}");
        }
    }
}
