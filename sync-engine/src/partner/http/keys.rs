//! Private keys, and what is signed with them.

use crate::partner::config::JwtAlgorithm;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

/// A key that belongs to its algorithm.
pub(crate) enum PrivateKey {
    Rsa(RsaKeyPair, &'static dyn ring::signature::RsaEncoding),
    P256(EcdsaKeyPair),
}

impl PrivateKey {
    /// # Errors
    /// A sentence that says what the secret should hold; never what it holds.
    pub fn read(pem: &str, algorithm: JwtAlgorithm) -> Result<Self, String> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| "the secret holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)".to_owned())?;
        let rejected = |e: ring::error::KeyRejected| format!("the private key is not accepted: {e}");
        match algorithm {
            JwtAlgorithm::RS256 | JwtAlgorithm::PS256 => {
                let key = match &der {
                    PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
                    PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
                    _ => return Err("an RSA key is expected, this is a key of another kind".to_owned()),
                };
                let encoding: &'static dyn ring::signature::RsaEncoding = match algorithm {
                    JwtAlgorithm::PS256 => &RSA_PSS_SHA256,
                    JwtAlgorithm::RS256 | JwtAlgorithm::ES256 => &RSA_PKCS1_SHA256,
                };
                Ok(Self::Rsa(key.map_err(rejected)?, encoding))
            }
            JwtAlgorithm::ES256 => match &der {
                PrivateKeyDer::Pkcs8(der) => EcdsaKeyPair::from_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    der.secret_pkcs8_der(),
                    &SystemRandom::new(),
                )
                .map(Self::P256)
                .map_err(rejected),
                _ => Err("a P-256 key in PKCS#8 form is expected: openssl pkcs8 -topk8 -nocrypt makes one".to_owned()),
            },
        }
    }

    /// # Errors
    /// A sentence, when the machine gives no randomness.
    pub fn sign(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let random = SystemRandom::new();
        let failed = |_| "the signature cannot be made".to_owned();
        match self {
            Self::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(*encoding, &random, text, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Self::P256(key) => key.sign(&random, text).map(|s| s.as_ref().to_vec()).map_err(failed),
        }
    }
}
