//! The cryptography that all TLS of this process runs on.

use std::sync::Once;

/// Chooses it, once; to be called before the first HTTP client or server certificate is made.
pub fn provider() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails only when a host program has chosen one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
