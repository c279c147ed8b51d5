//! Mistakes in signing in, signing, sessions, requests and limits, and exactly what a person is told about each.

use crate::partner_link::{root, small};
use serde_json::{Value, json};
use sync_engine::partner;

/// What is told of the small configuration with a value at a pointer.
fn told(pointer: &str, value: &Value) -> String {
    let mut config = small("https://api.acme.example");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    config.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"))[name] = value.clone();
    match partner::parse(&config.to_string(), "f", &root().join("configs/partners")) {
        Ok(_) => "(accepted)".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn every_mistake_names_its_place_and_what_was_expected() {
    let oauth = |more: Value| {
        let mut auth = json!({"type": "oauth2", "tokenUrl": "/t", "clientId": "x"});
        auth.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        auth
    };
    let sign = |more: Value| {
        let mut signing =
            json!({"algorithm": "hmacSha256", "key": {"secret": "k"}, "template": "{path}", "header": "X-S"});
        signing
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        signing
    };
    let request = "/streams/orders/request";
    let rows: Vec<(&str, Value, &[&str])> = vec![
        (
            "/auth",
            json!({"type": "Basic"}),
            &["/auth/type: \"Basic\" is none of \"oauth2\", \"basic\", \"key\", \"none\"; did you mean \"basic\"?"],
        ),
        (
            "/auth",
            json!({"type": "basic"}),
            &["/auth: \"username\" is missing", "/auth: \"password\" is missing"],
        ),
        (
            "/auth",
            json!({"type": "basic", "username": "u", "password": "hunter2"}),
            &["/auth/password: secrets never lie in a configuration"],
        ),
        (
            "/auth",
            json!({"type": "key", "value": {"secret": "k"}}),
            &["/auth: \"header\" is missing: the header (or \"query\""],
        ),
        (
            "/auth",
            json!({"type": "key", "value": {"secret": "k"}, "header": "X", "query": "k"}),
            &["/auth/query: the key goes into"],
        ),
        (
            "/auth",
            json!({"type": "key", "value": {"secret": "k"}, "query": "k", "prefix": "p"}),
            &["/auth/prefix: only \"header\" uses it"],
        ),
        (
            "/auth",
            json!({"type": "key", "value": {"secret": "k"}, "header": "Host", "tokenUrl": "/t"}),
            &[
                "/auth/header: the header Host is set by the engine",
                "/auth/tokenUrl: only the type oauth2 uses it",
            ],
        ),
        ("/auth", oauth(json!({})), &["/auth: \"clientSecret\" is missing"]),
        (
            "/auth",
            oauth(json!({"clientAuthentication": "privatekey"})),
            &["did you mean \"privateKey\"?"],
        ),
        (
            "/auth",
            oauth(json!({"clientAuthentication": "privateKey", "clientSecret": {"secret": "s"}})),
            &[
                "/auth: \"assertion\" is missing",
                "/auth/clientSecret: only clientAuthentication basic and body use it",
            ],
        ),
        (
            "/auth",
            oauth(json!({"clientAuthentication": "privateKey", "assertion": {"key": "-----BEGIN"}})),
            &["/auth/assertion/key: secrets never lie"],
        ),
        (
            "/auth",
            oauth(json!({"clientAuthentication": "privateKey", "assertion": {"algorithm": "HS256", "keyID": "x"}})),
            &[
                "/auth/assertion: \"key\" is missing",
                "/auth/assertion/algorithm: \"HS256\" is none of \"RS256\", \"PS256\", \"ES256\"",
                "/auth/assertion/keyID: there is no field \"keyID\" here; did you mean \"keyId\"?",
            ],
        ),
        (
            "/auth",
            oauth(
                json!({"clientAuthentication": "privateKey", "assertion": {"key": {"secret": "k"}, "headers": {"alg": "none"}}}),
            ),
            &["/auth/assertion/headers/alg: \"algorithm\" says it"],
        ),
        (
            "/auth",
            oauth(json!({"clientAuthentication": "none", "assertion": {"key": {"secret": "k"}}})),
            &["/auth/assertion: only clientAuthentication privateKey and the grant jwtBearer use it"],
        ),
        (
            "/auth",
            oauth(json!({"grant": "parameters"})),
            &["/auth: \"parameters\" is missing"],
        ),
        (
            "/auth",
            oauth(
                json!({"clientAuthentication": "none", "token": {"header": "X Y"}, "expiresIn": "life", "tokenMediaType": "json"}),
            ),
            &[
                "/auth/token/header: \"X Y\" is no name of a header",
                "/auth/expiresIn: \"life\" is not available",
                "/auth/tokenMediaType: \"json\" is none of",
            ],
        ),
        (
            "/auth",
            oauth(json!({"clientAuthentication": "none", "expiredStatuses": [200]})),
            &["/auth/expiredStatuses/0: 200 is too small"],
        ),
        (
            "/clientCertificate",
            json!("-----BEGIN CERTIFICATE-----"),
            &["/clientCertificate: secrets never lie"],
        ),
        (
            "/caCertificates",
            json!("../roots.pem"),
            &["/caCertificates: \"../roots.pem\" does not lie below"],
        ),
        (
            "/caCertificates",
            json!("sandbox.json"),
            &["/caCertificates: sandbox.json holds no certificates"],
        ),
        (
            "/network",
            json!("intranet"),
            &["/network: \"intranet\" is none of \"public\", \"private\""],
        ),
        (
            "/baseUrl",
            json!("https://10.1.2.3/api"),
            &["/baseUrl: 10.1.2.3 is an address inside a network: say \"network\": \"private\""],
        ),
        (
            "/baseUrl",
            json!("https://169.254.169.254/api"),
            &["/baseUrl: 169.254.169.254 is no address of a partner"],
        ),
        (
            "/redirects",
            json!(["https://10.1.2.3", "https://[2002:a9fe:a9fe::1]"]),
            &[
                "/redirects/0: 10.1.2.3 is an address inside a network",
                "/redirects/1: 2002:a9fe:a9fe::1 is no address of a partner",
            ],
        ),
        (
            "/headers",
            json!({"X-Key": {"secrt": "k"}}),
            &["did you mean \"secret\"?"],
        ),
        (
            "/signing",
            json!({}),
            &[
                "/signing: \"algorithm\" is missing",
                "/signing: \"key\" is missing",
                "/signing: \"template\" is missing",
            ],
        ),
        (
            "/signing",
            sign(json!({"key": "k"})),
            &["/signing/key: secrets never lie"],
        ),
        (
            "/signing",
            sign(json!({"template": "{methd}"})),
            &["/signing/template: {methd} is unknown", "did you mean \"method\"?"],
        ),
        (
            "/signing",
            sign(json!({"template": "{path"})),
            &["/signing/template: a { without its }"],
        ),
        (
            "/signing",
            sign(json!({"template": "{signature}"})),
            &["/signing/template: the signature cannot sign itself"],
        ),
        (
            "/signing",
            sign(json!({"algorithm": "rsaSha256", "keyEncoding": "hex"})),
            &["/signing/keyEncoding: only the HMAC algorithms use it"],
        ),
        (
            "/signing",
            json!({"algorithm": "hmacSha256", "key": {"secret": "k"}, "template": "x"}),
            &["/signing: \"header\" is missing"],
        ),
        (
            "/session",
            json!({}),
            &["/session: \"request\" is missing", "/session: \"header\" is missing"],
        ),
        (
            "/session",
            json!({"request": {"path": "/s"}, "header": {"Cookie x": ".t"}}),
            &["/session/header/Cookie x: \"Cookie x\" is no name of a header"],
        ),
        (
            "/session",
            json!({"request": {"path": "s"}, "header": {"X-T": "t"}}),
            &[
                "/session/request/path: \"s\" is no path",
                "/session/header/X-T: \"t\" is not available",
            ],
        ),
        (
            "/limits",
            json!({"rateHeaders": {"remaning": "X"}}),
            &[
                "/limits/rateHeaders/remaning: there is no field \"remaning\" here; did you mean \"remaining\"?",
                "/limits/rateHeaders: \"reset\" is missing",
            ],
        ),
        (
            request,
            json!({"path": "/l", "headers": {"X-A": 7}}),
            &["/headers/X-A: a constant text or {\"$from\": EXPRESSION} is expected, this is a number"],
        ),
        (
            request,
            json!({"path": "/l", "headers": {"X-A": {"$form": ".a"}}}),
            &["/headers/X-A: a constant text or"],
        ),
        (
            request,
            json!({"path": "/l", "headers": {"Authorization": {"$from": ".a"}}}),
            &["/headers/Authorization: the header Authorization is set by the engine"],
        ),
        (
            request,
            json!({"path": "/l", "form": {"a": ".b"}, "body": {"a": ".b"}}),
            &["/request/form: a request has one body"],
        ),
        (
            request,
            json!({"path": "/l", "form": {"a": "b"}}),
            &["/request/form/a: \"b\" is not available"],
        ),
        (
            request,
            json!({"path": "/l", "mediaType": "a\nb"}),
            &["/request/mediaType: a media type is visible ASCII"],
        ),
    ];
    let mut wrong = Vec::new();
    for (pointer, value, expected) in rows {
        let told = told(pointer, &value);
        for part in expected {
            if !told.contains(part) {
                wrong.push(format!("{pointer} {value}\n  expected: {part}\n  told: {told}"));
            }
        }
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
