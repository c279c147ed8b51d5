//! Which members of `.` an expression can see: the others need not be made ready for it.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::Part;
use std::collections::BTreeSet;

/// Calls that look at nothing.
const CONSTANTS: &[&str] = &["empty", "false", "null", "true"];

/// Names of the members of `.` that the expression sees; `None` when it may see all of it.
pub(super) fn members(source: &str) -> Option<BTreeSet<String>> {
    let term = jaq_core::load::parse(source, |p| p.term())?;
    let mut names = BTreeSet::new();
    named(&term, &mut names).then_some(names)
}

/// Collects them; false when the term may see all of `.`.
fn named(term: &Term<&str>, names: &mut BTreeSet<String>) -> bool {
    match term {
        Term::Num(_) | Term::Var(_) => true,
        Term::Str(None, parts) => parts.iter().all(|part| match part {
            StrPart::Term(inner) => named(inner, names),
            StrPart::Str(_) | StrPart::Char(_) => true,
        }),
        Term::Arr(inner) => inner.as_deref().is_none_or(|t| named(t, names)),
        Term::Obj(members) => members
            .iter()
            .all(|(key, value)| named(key, names) && value.as_ref().is_some_and(|v| named(v, names))),
        Term::Neg(inner) => named(inner, names),
        Term::BinOp(left, op, right) => match op {
            // What stands behind a pipe sees what comes out of it.
            BinaryOp::Pipe(None) => named(left, names),
            BinaryOp::Pipe(Some(Pattern::Var(_)))
            | BinaryOp::Comma
            | BinaryOp::Alt
            | BinaryOp::Or
            | BinaryOp::And
            | BinaryOp::Math(_)
            | BinaryOp::Cmp(_) => named(left, names) && named(right, names),
            // An assignment gives all of `.`.
            _ => false,
        },
        Term::IfThenElse(cases, Some(otherwise)) => {
            let both = |(when, then): &(Term<&str>, Term<&str>)| named(when, names) && named(then, names);
            cases.iter().all(both) && named(otherwise, names)
        }
        Term::Call(name, args) => args.is_empty() && CONSTANTS.contains(name),
        Term::Path(start, path) => {
            let mut parts = path.0.iter().map(|(part, _)| part);
            let from_member = match **start {
                Term::Id => parts.next().and_then(constant).map(|name| names.insert(name)).is_some(),
                _ => named(start, names),
            };
            from_member
                && parts.all(|part| match part {
                    Part::Index(index) => named(index, names),
                    Part::Range(from, to) => [from, to].into_iter().flatten().all(|t| named(t, names)),
                })
        }
        _ => false,
    }
}

/// The name in `.name` and `.["name"]`.
fn constant(part: &Part<Term<&str>>) -> Option<String> {
    let Part::Index(Term::Str(None, parts)) = part else {
        return None;
    };
    let mut name = String::new();
    for part in parts {
        match part {
            StrPart::Str(text) => name.push_str(text),
            StrPart::Char(char) => name.push(*char),
            StrPart::Term(_) => return None,
        }
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_that_an_expression_sees_are_known() {
        for (source, expected) in [
            (
                "(.lines[] | .id as $id | .answers[] | . + {lineId: $id}), .added[]",
                Some(vec!["added", "lines"]),
            ),
            ("if .a == 1 then .b else \"\\(.c)\" end", Some(vec!["a", "b", "c"])),
            (".a[.b] // $root.d", Some(vec!["a", "b"])),
            (".a as $x | .b | map(. + $x)", Some(vec!["a", "b"])),
            (".[\"a\"] | to_entries", Some(vec!["a"])),
            ("[.a, null] + []", Some(vec!["a"])),
            // All of it may be seen.
            (".", None),
            ("to_entries", None),
            (".[]", None),
            (".[.a]", None),
            (".a |= 1", None),
            (".a = 1", None),
            ("if .a then .b end", None),
            ("{a}", None),
            (". as $x | $x.a", None),
            (". as {a: $x} | $x", None),
            ("select(.a)", None),
            (".a, length", None),
            ("[..]", None),
        ] {
            let found = members(source).map(|names| names.into_iter().collect::<Vec<_>>());
            let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(found, expected, "{source}");
        }
    }
}
