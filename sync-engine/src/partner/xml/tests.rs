use super::*;
use crate::partner::scan::ScanLimits;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const LIMITS: ScanLimits = ScanLimits {
    max_depth: 20,
    max_string_bytes: 1000,
};

fn of(text: &str) -> Value {
    of_lists(text, &[])
}

fn of_lists(text: &str, lists: &[&str]) -> Value {
    let reading = XmlReading {
        lists: lists.iter().map(|l| (*l).to_owned()).collect(),
    };
    read(text.as_bytes(), &reading, LIMITS).unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

fn refused(text: &str) -> String {
    match read(text.as_bytes(), &XmlReading::default(), LIMITS) {
        Ok(value) => panic!("{text} is taken as {value}"),
        Err(XmlError::Form(reason)) => format!("form: {reason}"),
        Err(XmlError::Limit(reason)) => format!("limit: {reason}"),
    }
}

#[test]
fn elements_become_members() {
    assert_eq!(
        of(
            "<?xml version=\"1.0\"?><!-- c --><a:Order xmlns:a=\"urn:a\" xmlns=\"urn:b\" version='2'>\n <ID> 7 </ID>\n <a:Line n='1'>x</a:Line><Line/><Empty/></a:Order>"
        ),
        json!({"#name": "Order", "@version": "2", "ID": "7", "Line": [{"@n": "1", "#text": "x"}, null], "Empty": null})
    );
    assert_eq!(of("<a>text</a>"), json!({"#name": "a", "#text": "text"}));
    assert_eq!(of("<a xml:lang=\"de\"/>"), json!({"#name": "a", "@lang": "de"}));
    assert_eq!(
        of_lists("<a><b>1</b><c>2</c></a>", &["b"]),
        json!({"#name": "a", "b": ["1"], "c": "2"})
    );
    assert_eq!(
        of("<a>one <b/> two<![CDATA[ <&> ]]></a>"),
        json!({"#name": "a", "b": null, "#text": "one  two <&>"})
    );
    assert_eq!(
        of("<a b=\"&lt;&#x41;&quot;\">&amp;&#66;&apos;&gt;</a>"),
        json!({"#name": "a", "@b": "<A\"", "#text": "&B'>"})
    );
    assert_eq!(of("\u{feff}<a>ä</a>"), json!({"#name": "a", "#text": "ä"}));
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>Gr\xf6\xdfe</a>";
    let read = read(latin, &XmlReading::default(), LIMITS);
    assert_eq!(read, Ok(json!({"#name": "a", "#text": "Größe"})));
}

#[test]
fn nothing_hostile_gets_through() {
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]><lolz>&lol2;</lolz>";
    assert_eq!(refused(bomb), "form: line 1: a document type (DOCTYPE) is never taken");
    let outside = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n<a>&x;</a>";
    assert!(refused(outside).contains("DOCTYPE"));
    assert_eq!(
        refused("<a>\n&nbsp;</a>"),
        "form: line 2: the entity &nbsp; is not known"
    );
    assert!(refused("<a b='&x;'/>").starts_with("form: "));
    assert!(refused(&"<a>".repeat(21)).starts_with("limit: it is nested deeper than 20 levels"));
    assert!(refused(&format!("<a>{}</a>", "x".repeat(1001))).starts_with("limit: a text is longer"));
    assert!(refused(&format!("<a b='{}'/>", "x".repeat(1001))).starts_with("limit: a text is longer"));
    assert!(refused(&format!("<a>{}</a>", "<b/>".repeat(500_000))).starts_with("limit: it has more than 500000"));
    for wrong in [
        "",
        "text",
        "{\"a\": 1}",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>text",
        "<a b=1/>",
        "<a b='1' b='2'/>",
        "<a>&</a>",
        "<a><b></a></b>",
        "<a",
        "<?xml version='1.0' encoding='UTF-16'?><a/>",
    ] {
        assert!(refused(wrong).starts_with("form: "), "{wrong}");
    }
    assert!(read(b"<a>\xff</a>", &XmlReading::default(), LIMITS).is_err());
    assert!(read(b"\xff\xfe<\0a\0", &XmlReading::default(), LIMITS).is_err());
}

#[test]
fn items_are_slices_of_the_answer() {
    let body = "<r xmlns:o='u'><n>1</n><list>\n <o:order id='1'><order/>a</o:order><x><order/></x>\n<order/></list><list><order>b</order></list></r>";
    let items = |path: &str| {
        let keys: Vec<String> = path.split('.').filter(|k| !k.is_empty()).map(str::to_owned).collect();
        split(body.as_bytes(), &keys).map(|found| {
            found.map(|items| {
                items
                    .iter()
                    .map(|i| String::from_utf8_lossy(i).into_owned())
                    .collect::<Vec<_>>()
            })
        })
    };
    let orders = ["<o:order id='1'><order/>a</o:order>", "<order/>", "<order>b</order>"];
    assert_eq!(items("list.order"), Ok(Some(orders.map(str::to_owned).to_vec())));
    assert_eq!(items("n"), Ok(Some(vec!["<n>1</n>".to_owned()])));
    assert_eq!(items("list.order.order"), Ok(Some(vec!["<order/>".to_owned()])));
    assert_eq!(items("orders"), Ok(None));
    assert_eq!(items(""), Ok(Some(vec![body.to_owned()])));
    assert!(split(b"<a><b>", &["b".to_owned()]).is_err());
    assert!(split(b"<!DOCTYPE a><a><b/></a>", &["b".to_owned()]).is_err());
}

#[test]
fn bodies_are_written() {
    let written = |value: Value| write(&value).map(|xml| String::from_utf8(xml).unwrap());
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    assert_eq!(
        written(
            json!({"Order": {"@xmlns:cbc": "urn:x", "#": [{"cbc:ID": "7"}, {"cbc:Date": null}], "Line": [{"#text": "<&>", "@n": 1}, true]}})
        ),
        Ok(format!(
            "{start}<Order xmlns:cbc=\"urn:x\"><cbc:ID>7</cbc:ID><cbc:Date/><Line n=\"1\">&lt;&amp;&gt;</Line><Line>true</Line></Order>"
        ))
    );
    for wrong in [
        json!("x"),
        json!({}),
        json!({"a": 1, "b": 2}),
        json!({"a": []}),
        json!({"a b": 1}),
        json!({"a": {"@<": 1}}),
        json!({"a": {"#": ["x"]}}),
    ] {
        assert!(written(wrong.clone()).is_err(), "{wrong}");
    }
}

fn content() -> impl Strategy<Value = Value> {
    let text = "[ -~äß€]{0,12}".prop_map(|t| match t.trim() {
        "" => Value::Null,
        trimmed => Value::from(trimmed),
    });
    text.prop_recursive(4, 32, 4, |inner| {
        let attribute = ("@[a-z]{1,3}", "[ -~]{0,8}".prop_map(Value::from));
        // A list of one reads as the one.
        let several = prop::collection::vec(inner.clone(), 2..4)
            .prop_filter("lists in lists", |l| !l.iter().any(Value::is_array));
        let child = ("[A-Z][a-z]{0,3}", prop_oneof![inner, several.prop_map(Value::Array)]);
        (
            prop::collection::vec(attribute, 0..3),
            prop::collection::vec(child, 1..4),
        )
            .prop_map(|(attributes, children)| attributes.into_iter().chain(children).collect::<Map<_, _>>().into())
    })
    .prop_filter("the outermost element is no list", |v| !v.is_array())
}

proptest! {
    /// What is written is read back, whatever it holds.
    #[test]
    fn bodies_come_back(content in content()) {
        let xml = write(&json!({"Root": content})).unwrap();
        let limits = ScanLimits { max_depth: 64, max_string_bytes: 1000 };
        let mut back = read(&xml, &XmlReading::default(), limits).unwrap();
        let mut expected = match content {
            Value::Object(members) => members,
            Value::Null => Map::new(),
            text => Map::from_iter([("#text".to_owned(), text)]),
        };
        expected.insert("#name".to_owned(), json!("Root"));
        prop_assert_eq!(back.take(), Value::Object(expected), "{}", String::from_utf8_lossy(&xml));
    }

    #[test]
    fn nothing_panics(text in "[<>/a&;='\"! \\-\\[\\]?x#]{0,60}") {
        let _ = read(text.as_bytes(), &XmlReading::default(), LIMITS);
        let _ = split(text.as_bytes(), &["a".to_owned(), "a".to_owned()]);
    }
}
