//! An assertion of who we are: a JSON Web Token signed with our private key (RFC 7523).

use super::keys::PrivateKey;
use crate::domain::Timestamp;
use crate::partner::config::{Assertion, JwtAlgorithm};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// What an assertion says of us, beside what the configuration adds.
pub(crate) struct Claims<'a> {
    pub client_id: &'a str,
    pub audience: &'a str,
    pub id: String,
    pub now: Timestamp,
}

/// # Errors
/// A sentence about the key.
pub(crate) fn assertion(config: &Assertion, key: &str, claims: &Claims<'_>) -> Result<String, String> {
    let algorithm = match config.algorithm {
        JwtAlgorithm::RS256 => "RS256",
        JwtAlgorithm::PS256 => "PS256",
        JwtAlgorithm::ES256 => "ES256",
    };
    let mut header = object(json!({"alg": algorithm, "typ": "JWT"}));
    header.extend(
        config
            .key_id
            .iter()
            .map(|id| ("kid".to_owned(), Value::from(id.as_str()))),
    );
    header.extend(config.headers.clone());
    let issued = claims.now.0.div_euclid(1000);
    let mut payload = object(json!({
        "iss": claims.client_id,
        "sub": claims.client_id,
        "aud": config.audience.as_deref().unwrap_or(claims.audience),
        "jti": claims.id,
        "iat": issued,
        "exp": issued + i64::try_from(config.lifetime.as_secs()).unwrap_or(0),
    }));
    payload.extend(config.claims.clone());
    let part = |part: Map<String, Value>| BASE64_URL_SAFE_NO_PAD.encode(Value::Object(part).to_string());
    let signed = format!("{}.{}", part(header), part(payload));
    let signature = PrivateKey::read(key, config.algorithm)?.sign(signed.as_bytes())?;
    Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
