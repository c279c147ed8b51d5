//! Clients that take their time: who never says what it wants holds no place for long, and holds up nobody else.

use axum::Router;
use axum::routing::{get, post};
use std::time::{Duration, Instant};
use sync_engine::api::connections::{Connections, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(60);

struct Host {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn host(kept: Connections) -> Host {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let app = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/", post(|body: String| async move { body }));
    let served = tokio::spawn(run(listener, app, kept, stop.clone(), Duration::from_secs(5)));
    Host { address, stop, served }
}

impl Host {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// A request like any other.
    async fn asked(&self) -> String {
        let mut stream = self.connect().await;
        let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        // One that is closed already answers nothing.
        let _ = stream.write_all(request).await;
        all_of(&mut stream).await
    }

    async fn end(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.served).await.expect("it ends");
        ended.expect("no panic").expect("no failure");
    }
}

async fn all_of(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    // A connection that is reset has ended as well.
    let _ = read.expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_client_that_drips_its_headers_is_cut_off() {
    let header_time = Duration::from_millis(300);
    let host = host(Connections {
        header_time,
        ..Connections::default()
    })
    .await;
    let begun = Instant::now();
    // One says nothing at all, the other a header now and then, for as long as it is let.
    let mut silent = host.connect().await;
    let dripping = host.connect().await;
    let (mut reads, mut writes) = dripping.into_split();
    let drips = tokio::spawn(async move {
        let mut sent = 0;
        if writes.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.is_err() {
            return sent;
        }
        while writes.write_all(b"x-drip: 1\r\n").await.is_ok() {
            sent += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        sent
    });
    assert!(host.asked().await.ends_with("here"), "others are served meanwhile");
    assert_eq!(all_of(&mut silent).await, "");
    let mut said = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, reads.read_to_end(&mut said))
        .await
        .expect("it is cut off");
    assert!(!String::from_utf8_lossy(&said).contains(" 200 "), "it never asked");
    assert!(begun.elapsed() >= header_time, "not before its time");
    let sent = tokio::time::timeout(PATIENCE, drips).await.expect("its end is seen");
    assert!(sent.expect("no panic") > 0, "it did drip");

    // What a request takes after its headers is another matter: its body, or the wait for the answer.
    let mut slow = host.connect().await;
    let head = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nli";
    slow.write_all(head).await.expect("sent");
    tokio::time::sleep(header_time * 2).await;
    slow.write_all(b"st").await.expect("sent");
    assert!(all_of(&mut slow).await.ends_with("list"));
    host.end().await;
}

#[tokio::test]
async fn places_that_slow_clients_take_come_free_again() {
    let header_time = Duration::from_millis(300);
    let kept = Connections {
        header_time,
        most: 2,
        ..Connections::default()
    };
    let host = host(kept).await;
    let (_one, _two) = (host.connect().await, host.connect().await);
    // All places are taken; whoever comes waits until one is free, and is served then.
    assert!(host.asked().await.ends_with("here"));
    host.end().await;
}

#[tokio::test]
async fn one_address_has_no_more_than_its_share() {
    let kept = Connections {
        most_of_one: 2,
        ..Connections::default()
    };
    let host = host(kept).await;
    let (one, _two) = (host.connect().await, host.connect().await);
    assert_eq!(host.asked().await, "", "closed without a word");
    drop(one);
    let begun = Instant::now();
    while !host.asked().await.ends_with("here") {
        assert!(begun.elapsed() < PATIENCE, "a place that came free is given again");
    }
    host.end().await;
}
