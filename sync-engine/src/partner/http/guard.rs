//! Where a partner's name may lead: not into this machine, nor into the network that it stands in.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

type Lookup = Arc<dyn Fn(String) -> Looking + Send + Sync>;
type Looking = std::pin::Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

/// Resolves names. Those of the partner must not lead inside; any other is a proxy's, which usually stands inside.
pub(crate) struct Guard {
    hosts: Arc<BTreeSet<String>>,
    private_network: bool,
    lookup: Lookup,
}

/// What kind of network an address is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Public,
    /// A company's network: RFC 1918, RFC 4193, shared and test ranges.
    Private,
    /// This machine, this link, or nobody.
    Never,
}

/// A partner's name that leads inside.
#[derive(Debug, thiserror::Error)]
#[error(
    "{host} leads to {ip}, which is inside a network: say \"network\": \"private\" in the configuration if the partner is on the company's"
)]
pub(crate) struct Inside {
    host: String,
    ip: IpAddr,
}

impl Guard {
    pub fn new(hosts: BTreeSet<String>, private_network: bool) -> Self {
        Self {
            hosts: Arc::new(hosts),
            private_network,
            lookup: Arc::new(|host| {
                Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), 0)).await?.collect()) })
            }),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_ascii_lowercase();
        let guarded = self.hosts.contains(&host);
        let private_network = self.private_network;
        let looking = (self.lookup)(host.clone());
        Box::pin(async move {
            let found = looking.await?;
            let fits = |address: &SocketAddr| match reach(address.ip()) {
                Reach::Public => true,
                Reach::Private => private_network,
                Reach::Never => false,
            };
            // One address inside among public ones is as telling: nothing is tried.
            if let Some(inside) = found.iter().find(|a| guarded && !fits(a)) {
                return Err(Inside { host, ip: inside.ip() }.into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

pub(crate) fn reach(ip: IpAddr) -> Reach {
    match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => reach_v6(ip),
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    let [a, b, c, _] = ip.octets();
    let nobody = a == 0 || a >= 224 || (a, b, c) == (192, 0, 0) || ip.is_documentation();
    if ip.is_loopback() || ip.is_link_local() || nobody {
        return Reach::Never;
    }
    let shared = a == 100 && (64..128).contains(&b);
    let test = a == 198 && (18..20).contains(&b);
    if ip.is_private() || shared || test {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return reach_v4(inner);
    }
    let [a, b, c, d, e, f, g, h] = ip.segments();
    // Those that carry an address of version 4: NAT64 (RFC 6052), 6to4 (RFC 3056), and a form that is given up (RFC 4291).
    let carried = match (a, b, c, d, e, f) {
        (0x64, 0xff9b, 0, 0, 0, 0) => Some((g, h)),
        (0x2002, ..) => Some((b, c)),
        (0, 0, 0, 0, 0, 0) if g != 0 => Some((g, h)),
        _ => None,
    };
    if let Some((high, low)) = carried {
        let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
        return reach_v4(Ipv4Addr::new(w, x, y, z));
    }
    // Examples (RFC 3849, RFC 9637), and Teredo's tunnels (RFC 4380), which hide where they end.
    let examples = (a, b) == (0x2001, 0xdb8) || a == 0x3fff && b < 0x1000;
    let nobody = ip.is_unspecified() || ip.is_multicast() || examples || (a, b) == (0x2001, 0);
    if ip.is_loopback() || ip.is_unicast_link_local() || nobody {
        return Reach::Never;
    }
    // Unique local, site-local (RFC 3879), a network's own NAT64 (RFC 8215).
    if ip.is_unique_local() || a & 0xffc0 == 0xfec0 || (a, b, c) == (0x64, 0xff9b, 1) {
        Reach::Private
    } else {
        Reach::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::http::client::classified;
    use crate::partner::http::wire::WireError;

    #[test]
    fn addresses_have_a_reach() {
        for (address, expected) in [
            ("93.184.216.34", Reach::Public),
            ("2606:2800:220:1::1", Reach::Public),
            ("10.1.2.3", Reach::Private),
            ("172.16.0.1", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("fd00::1", Reach::Private),
            ("::ffff:10.0.0.1", Reach::Private),
            ("64:ff9b::a00:1", Reach::Private),
            ("64:ff9b::5db8:d822", Reach::Public),
            ("64:ff9b:1::a00:1", Reach::Private),
            ("2002:a00:1::1", Reach::Private),
            ("2002:7f00:1::1", Reach::Never),
            ("2002:5db8:d822::1", Reach::Public),
            ("::10.0.0.1", Reach::Private),
            ("::127.0.0.1", Reach::Never),
            ("fec0::1", Reach::Private),
            ("2001:0:5db8:d822::1", Reach::Never),
            ("3fff::1", Reach::Never),
            ("127.0.0.1", Reach::Never),
            ("::1", Reach::Never),
            ("::ffff:127.0.0.1", Reach::Never),
            ("169.254.169.254", Reach::Never),
            ("fe80::1", Reach::Never),
            ("0.0.0.0", Reach::Never),
            ("::", Reach::Never),
            ("224.0.0.1", Reach::Never),
            ("255.255.255.255", Reach::Never),
        ] {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
        }
    }

    /// Asks for a name that leads to `ip`; what happened, and whether anybody was connected to.
    async fn asked(ip: [u8; 4], private_network: bool, guarded: bool) -> (Result<(), WireError>, bool) {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let hosts = if guarded {
            BTreeSet::from(["api.acme.example".to_owned()])
        } else {
            BTreeSet::new()
        };
        let mut guard = Guard::new(hosts, private_network);
        guard.lookup = Arc::new(move |_| Box::pin(async move { Ok(vec![SocketAddr::from((ip, 0))]) }));
        crate::tls::provider();
        let client = reqwest::Client::builder()
            .no_proxy()
            .dns_resolver(guard)
            .build()
            .unwrap();
        let sending = client
            .get(format!("http://api.acme.example:{port}/"))
            .timeout(std::time::Duration::from_millis(500))
            .send();
        let (sent, met) = tokio::join!(sending, async {
            tokio::time::timeout(std::time::Duration::from_millis(500), listener.accept())
                .await
                .is_ok()
        });
        (sent.map(drop).map_err(classified), met)
    }

    #[tokio::test]
    async fn a_partners_name_does_not_lead_inside() {
        let (sent, met) = asked([127, 0, 0, 1], false, true).await;
        let Err(WireError::Inside(message)) = sent else {
            panic!("{sent:?}")
        };
        assert!(message.contains("api.acme.example leads to 127.0.0.1"), "{message}");
        assert!(!met);
        // This machine is never the company's network.
        let (sent, met) = asked([127, 0, 0, 1], true, true).await;
        assert!(matches!(sent, Err(WireError::Inside(_))) && !met, "{sent:?}");
        let (sent, _) = asked([10, 255, 255, 254], false, true).await;
        assert!(matches!(sent, Err(WireError::Inside(_))), "{sent:?}");
        // A name that is not the partner's is a proxy's.
        let (_, met) = asked([127, 0, 0, 1], false, false).await;
        assert!(met);
    }
}
