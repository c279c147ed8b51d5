//! Calls of the partner: whether they are the partner's, and what they bring.

use super::HttpPartner;
use crate::domain::Timestamp;
use crate::partner::config::push::{PushAlgorithm, PushEncoding, PushSignature, SignedPart};
use crate::partner::page::{call_items, moment};
use crate::partner::{PushCall, PushRefusal, Pushed};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha512};
use std::fmt::Write as _;
use subtle::ConstantTimeEq;

impl HttpPartner {
    /// The items of a call that is the partner's, and whether they only name what is to be fetched.
    pub(super) fn read_call(&self, stream: &str, call: &PushCall<'_>) -> Result<Pushed, PushRefusal> {
        let stream = self.stream(stream).ok_or(PushRefusal::NotConfigured)?;
        let push = stream.push.as_ref().ok_or(PushRefusal::NotConfigured)?;
        self.check_signature(&push.signature, call)?;
        let items = call_items(call.body, &push.items, &stream.format).map_err(PushRefusal::Unreadable)?;
        if items.len() > self.config.limits.max_items {
            return Err(PushRefusal::Unreadable(format!(
                "the call has {} items, at most {} are taken",
                items.len(),
                self.config.limits.max_items
            )));
        }
        Ok(Pushed {
            items,
            media_type: stream.format.media_type(),
            fetch: push.fetch,
        })
    }

    fn check_signature(&self, signature: &PushSignature, call: &PushCall<'_>) -> Result<(), PushRefusal> {
        let forged = || PushRefusal::Forged;
        let key = self
            .secrets
            .get(&signature.key)
            .map_err(|e| PushRefusal::Secret(e.to_string()))?;
        let sent = call.header(&signature.header).ok_or_else(forged)?;
        let sent = sent.strip_prefix(signature.prefix.as_str()).ok_or_else(forged)?.trim();
        let made = match signature.algorithm {
            PushAlgorithm::Secret => key.expose().to_owned(),
            PushAlgorithm::HmacSha256 => {
                let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key.expose().as_bytes()).map_err(|_| forged())?;
                feed(&mut mac, signature, call)?;
                encoded(&mac.finalize().into_bytes(), signature.encoding)
            }
            PushAlgorithm::HmacSha512 => {
                let mut mac = <Hmac<Sha512> as Mac>::new_from_slice(key.expose().as_bytes()).map_err(|_| forged())?;
                feed(&mut mac, signature, call)?;
                encoded(&mac.finalize().into_bytes(), signature.encoding)
            }
        };
        let hex = signature.algorithm != PushAlgorithm::Secret && signature.encoding == PushEncoding::Hex;
        let sent = if hex {
            sent.to_ascii_lowercase()
        } else {
            sent.to_owned()
        };
        // An empty secret would let anyone in. How long the comparison takes tells nothing of the secret.
        if key.expose().is_empty() || !bool::from(made.as_bytes().ct_eq(sent.as_bytes())) {
            return Err(forged());
        }
        // Looked at after the signature: who cannot sign learns nothing of our clock.
        match &signature.time {
            Some((header, tolerance)) => timely(call.header(header), *tolerance, call.at),
            None => Ok(()),
        }
    }
}

fn timely(sent: Option<&str>, tolerance: std::time::Duration, now: Timestamp) -> Result<(), PushRefusal> {
    let sent = sent.and_then(moment::parse).ok_or(PushRefusal::Stale)?.0;
    let apart = (sent.timestamp_millis() - now.0).unsigned_abs();
    if u128::from(apart) > tolerance.as_millis() {
        return Err(PushRefusal::Stale);
    }
    Ok(())
}

fn feed(mac: &mut impl Mac, signature: &PushSignature, call: &PushCall<'_>) -> Result<(), PushRefusal> {
    for part in &signature.template {
        match part {
            SignedPart::Text(text) => mac.update(text.as_bytes()),
            SignedPart::Body => mac.update(call.body),
            SignedPart::Path => mac.update(call.path.as_bytes()),
            SignedPart::Time => {
                let header = signature.time.as_ref().map(|(header, _)| header.as_str());
                let time = header.and_then(|h| call.header(h)).ok_or(PushRefusal::Forged)?;
                mac.update(time.as_bytes());
            }
            SignedPart::Header(name) => mac.update(call.header(name).ok_or(PushRefusal::Forged)?.as_bytes()),
        }
    }
    Ok(())
}

fn encoded(bytes: &[u8], encoding: PushEncoding) -> String {
    match encoding {
        PushEncoding::Base64 => BASE64_STANDARD.encode(bytes),
        PushEncoding::Hex => bytes.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    }
}
