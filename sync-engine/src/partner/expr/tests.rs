use super::*;
use serde_json::json;

fn run(source: &str, payload: &Value) -> Result<Vec<Value>, String> {
    let expr = Expr::compile(source)?;
    let scope = Scope::root(payload);
    match expr.many(&scope) {
        Ok(found) => Ok(found.into_iter().map(Cow::into_owned).collect()),
        Err(problem) => Err(format!("{}: {}", problem.pointer, problem.message)),
    }
}

#[test]
fn paths_and_expressions_give_what_jq_gives() {
    let payload: Value = serde_json::from_str(
        r#"{"a": {"b": [{"q": 1.10, "t": "x"}, {"q": 2, "t": null}]}, "s": "A-1", "a b": 3, "n": "12.50", "big": 12345678901234567890.123456}"#,
    )
    .unwrap();
    let cases: &[(&str, &str)] = &[
        (".a.b[0].q", "[1.10]"),
        (".a.b[-1].q", "[2]"),
        (".a.b[].q", "[1.10,2]"),
        (".a.b[].t", r#"["x"]"#),
        (".\"a b\"", "[3]"),
        (".[\"a b\"]", "[3]"),
        (".missing.deep", "[]"),
        (".s.x?", "[]"),
        (".missing // .s", r#"["A-1"]"#),
        ("$root.s", r#"["A-1"]"#),
        ("[.a.b[].q] | add", "[3.10]"),
        (".n | tonumber * 2", "[25.00]"),
        (".big", "[12345678901234567890.123456]"),
        (".big | . + 0", "[12345678901234567890.123456]"),
        (".a.b | map(select(.t == \"x\")) | length", "[1]"),
        ("[.s, .n] | join(\"/\")", r#"["A-1/12.50"]"#),
        (".s | test(\"^A-[0-9]+$\")", "[true]"),
        (".s | sub(\"-\"; \"_\")", r#"["A_1"]"#),
        (".s | split(\"-\")", r#"[["A","1"]]"#),
        (".a.b | group_by(.t) | map(length)", "[[1,1]]"),
        (".a | to_entries[0].key", r#"["b"]"#),
        (".a.b[0] | del(.t)", r#"[{"q":1.10}]"#),
        (".a.b[0] + {\"u\": $index}", r#"[{"q":1.10,"t":"x","u":0}]"#),
        (
            "if .s == \"A-1\" then \"Change\" else \"Original\" end",
            r#"["Change"]"#,
        ),
        (".a.b | first.q", "[1.10]"),
        ("[limit(1; .a.b[].q)]", "[[1.10]]"),
        (".s[0:1]", r#"["A"]"#),
        ("\"\\(.s)/\\(.n)\"", r#"["A-1/12.50"]"#),
        ("[.. | numbers] | length", "[4]"),
        ("0.1 + 0.2", "[0.3]"),
        ("10 / 4", "[2.5]"),
        ("9007199254740993.5 | floor", "[9007199254740993]"),
        ("[-0.5, 2.5] | map(round)", "[[-1,3]]"),
        (".a.b[0] | has(\"q\")", "[true]"),
        (".a.b | min_by(.q) | .q", "[1.10]"),
        (".s | ascii_downcase | startswith(\"a\")", "[true]"),
    ];
    for (source, expected) in cases {
        let found = run(source, &payload).unwrap_or_else(|e| panic!("{source}: {e}"));
        assert_eq!(Value::Array(found).to_string(), *expected, "{source}");
    }
}

#[test]
fn nothing_runs_without_end_and_nothing_reaches_outside() {
    let refused = [
        "def f: f; f",
        "repeat(.)",
        "recurse(.)",
        "until(false; .)",
        "while(true; .)",
        "range(1e9)",
        "input",
        "inputs",
        "env",
        "$ENV",
        "debug",
        "halt",
        "now",
        "infinite",
        "getpath([\"a\"])",
        "input_filename",
        "combinations",
        ".a | test(.b)",
        ".a | test(\"(a{9}){9}\")",
        "error(env)",
        "[.[] | repeat(1)]",
        "stderr",
        "walk(.)",
        "limit(1; repeat(1))",
    ];
    for source in refused {
        assert!(Expr::compile(source).is_err(), "{source}");
    }
    let fork = vec!["(.,.)"; 120].join("|");
    let endless = [
        format!("{fork} | empty"),
        format!("{fork} | select(false)"),
        format!("[{fork}]"),
        vec![". + ."; 120].join("|"),
        vec!["[., .]"; 120].join("|"),
        format!("{} | tostring", vec!["[., .]"; 60].join("|")),
        format!(
            "({}) as $a | ({}) as $b | $a == $b",
            vec!["[., .]"; 60].join("|"),
            vec!["[., .]"; 60].join("|")
        ),
        "reduce .l[] as $x (.; [.]) | length".to_owned(),
        "reduce .l[] as $x (\"ab\"; . + .) | length".to_owned(),
        "[.l[] as $a | .l[] as $b | .l[] as $c | $a] | length".to_owned(),
        "try ([.l[] as $a | .l[] as $b | .l[] as $c | $a]) catch 1".to_owned(),
    ];
    let payload = json!({"a": "x", "b": 1, "l": (0..2000).collect::<Vec<_>>()});
    let mut text = payload.clone();
    text["s"] = json!("y".repeat(1000));
    for source in &endless {
        let payload = if source.starts_with(". + .") {
            &text["s"]
        } else {
            &payload
        };
        let started = std::time::Instant::now();
        let outcome = run(source, payload);
        let reason = outcome.expect_err(source);
        assert!(
            reason.contains("it takes") || reason.contains("nested deeper"),
            "{source}: {reason}"
        );
        assert!(started.elapsed().as_secs() < 10, "{source}");
    }
}

#[test]
fn expressions_that_are_too_long_or_too_deep_are_refused() {
    let deep = [
        format!("{}.{}", "[".repeat(900), "]".repeat(900)),
        format!("{}.", "-".repeat(1900)),
        format!("{}.", "try ".repeat(400)),
        format!("{}.{}", "if . then . else ".repeat(100), " end".repeat(100)),
        ". as $x | ".repeat(180) + ".",
        ".a".repeat(1200),
    ];
    for source in deep {
        assert!(Expr::compile(&source).is_err(), "{}", &source[..20]);
    }
    // Brackets around a value are no step.
    let brackets = format!("{}.{}", "(".repeat(900), ")".repeat(900));
    assert_eq!(run(&brackets, &json!(1)), Ok(vec![json!(1)]));
    // The longest chains that are taken do not exhaust the stack of an ordinary thread.
    for op in ["|", ",", "+", "//", " and "] {
        let chain = vec![".a"; 120].join(op);
        let expr = Expr::compile(&chain).unwrap_or_else(|e| panic!("{op}: {e}"));
        let _ = expr.many(&Scope::root(&json!({"a": null})));
    }
}

#[test]
fn a_wrong_type_names_its_place() {
    let payload = json!({"a": {"b": [{"c": "x"}, {"c": {"d": 1}}]}});
    assert_eq!(
        run(".a.b.c", &payload).unwrap_err(),
        "/a/b: an object with \"c\" is expected here, this is a list"
    );
    assert_eq!(
        run(".a.b[].c.d", &payload).unwrap_err().split(':').next(),
        Some("/a/b/0/c")
    );
    assert_eq!(
        run(".a[].x", &payload).unwrap_err(),
        "/a: a list is expected here, this is an object"
    );
    assert_eq!(run(".a[]?.x", &payload).unwrap(), Vec::<Value>::new());
}

/// The table of `docs/partner/expressions.md`: input, expression, what it gives.
#[test]
fn the_worked_examples_of_the_reference_hold() {
    let page = include_str!("../../../../docs/partner/expressions.md");
    let mut rows = 0;
    for row in page.lines().filter(|l| l.starts_with("| `{")) {
        let row = row.replace("\\|", "\u{1}");
        let cells: Vec<String> = row.split('|').map(|c| c.replace('\u{1}', "|")).collect();
        let code = |n: usize| -> Vec<String> { cells[n].split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        let (input, source) = (code(1).concat(), code(2).concat());
        let input: Value = serde_json::from_str(&input).unwrap_or_else(|e| panic!("{e} in {input}"));
        let gives: Vec<Value> = code(3).iter().map(|v| serde_json::from_str(v).unwrap()).collect();
        assert_eq!(run(&source, &input), Ok(gives), "{source}");
        rows += 1;
    }
    assert!(rows >= 10, "{rows} rows");
}

#[test]
fn what_is_read_is_noted() {
    let payload: Value = serde_json::from_str(
        r#"{"a": {"b": 1, "c": 2}, "l": [{"k": "x", "v": 1, "w": 0}, {"k": "y", "v": 2, "w": 0}], "o": {"p": {"q": 1}}}"#,
    )
    .unwrap();
    let read = |sources: &[&str]| {
        let ((), trace) = trace::traced(|| {
            for source in sources {
                run(source, &payload).unwrap();
            }
        });
        trace.read.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(read(&[".a.b"]), ["/a/b"]);
    assert_eq!(read(&[".a"]), [""; 0], "an object is passed through");
    assert_eq!(read(&[".l[].v"]), ["/l/0/v", "/l/1/v"]);
    assert_eq!(read(&[".zz // .a.c"]), ["/a/c"]);
    assert_eq!(
        read(&[r#".l[] | select(.k == "y") | .v"#]),
        ["/l/0/k", "/l/1/k", "/l/1/v"]
    );
    assert_eq!(read(&["$root | .o | tostring"]), ["/o/p/q"]);
    assert_eq!(run(".a.b", &payload).map(|_| trace::is_on()), Ok(false));

    // Elements that jq made: the fields of each are known by their names below the place they came from.
    let each = Expr::compile(r#".l | map(select(.k == "x")) | .[]"#).unwrap();
    let field = Expr::compile(".v").unwrap();
    let ((), trace) = trace::traced(|| {
        let scope = Scope::root(&payload);
        for (n, element) in each.elements(&scope).unwrap().iter().enumerate() {
            let below = Scope::below(&scope, &each, n, element.node());
            field.one(&below).unwrap();
        }
    });
    assert_eq!(trace.read.into_iter().collect::<Vec<_>>(), ["/l/0/k", "/l/1/k"]);
    assert_eq!(
        trace.loose.into_iter().collect::<Vec<_>>(),
        [(String::new(), vec!["v".to_owned()])]
    );
}

#[test]
fn what_is_seen_of_a_scope_is_known_by_name() {
    let seen = |source: &str| {
        let mut seen = Seen::default();
        let expr = Expr::compile(source).unwrap();
        expr.sees(&mut seen).then_some(seen)
    };
    let number = seen(".document.number").unwrap();
    assert!(number.has("document") && !number.has("payload"));
    assert!(number.has_within("document", "number") && !number.has_within("document", "lines"));
    for whole in [
        ".document",
        ".document[0].number",
        ".document | .number",
        ".a.b // .document",
    ] {
        assert!(seen(whole).unwrap().has_within("document", "lines"), "{whole}");
    }
    for all in [".", "$root.document", "$root | .a", "to_entries", ".a // $root.b"] {
        assert_eq!(seen(all), None, "{all}");
    }
}
