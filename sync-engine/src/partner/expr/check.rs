//! What an expression may be made of: an allow-list, so that every evaluation ends and none reaches outside.

use crate::partner::config::mistakes::nearest;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::{Part, Path};

/// Longest regular expression, in bytes. Its search takes its length times the text's.
const MAX_REGEX_BYTES: usize = 200;

/// Deepest nesting of an expression, a chain of operators counted as one level each: a stack frame or more at each
/// evaluation.
const MAX_DEPTH: usize = 150;

/// Filters that may be called. Everything that repeats without end, reads from outside or changes slices is missing.
pub(super) const ALLOWED: &[&str] = &[
    "abs",
    "add",
    "all",
    "any",
    "arrays",
    "ascii_downcase",
    "ascii_upcase",
    "booleans",
    "capture",
    "ceil",
    "contains",
    "del",
    "empty",
    "endswith",
    "error",
    "false",
    "first",
    "flatten",
    "floor",
    "from_entries",
    "group_by",
    "gsub",
    "has",
    "isempty",
    "iterables",
    "join",
    "keys",
    "keys_unsorted",
    "last",
    "length",
    "limit",
    "ltrim",
    "ltrimstr",
    "map",
    "map_values",
    "max",
    "max_by",
    "min",
    "min_by",
    "not",
    "nth",
    "null",
    "nulls",
    "numbers",
    "objects",
    "reverse",
    "round",
    "rtrim",
    "rtrimstr",
    "scalars",
    "scan",
    "select",
    "sort",
    "sort_by",
    "split",
    "startswith",
    "strings",
    "sub",
    "test",
    "to_entries",
    "tojson",
    "tonumber",
    "tostring",
    "trim",
    "true",
    "type",
    "unique",
    "unique_by",
    "values",
    "with_entries",
    "@text",
    "@uri",
    "@base64",
];
const REGEX: &[&str] = &["capture", "gsub", "scan", "sub", "test"];

/// Whether the expression uses `$root`.
///
/// # Errors
/// A sentence that names what is not available, with the nearest name that is.
pub(super) fn check(source: &str) -> Result<bool, String> {
    let term = jaq_core::load::parse(source, |p| p.term()).ok_or_else(|| unreadable(source))?;
    let mut found = Found::default();
    found.term(&term)?;
    Ok(found.root)
}

fn unreadable(source: &str) -> String {
    let mut sentence = format!("\"{source}\" is neither a path nor a jq expression");
    if source.starts_with(|c: char| c.is_ascii_alphabetic())
        && source
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " ._-:/".contains(c))
    {
        sentence.push_str(": a path starts with a point (.name), a constant is written {\"$value\": …}");
    }
    sentence
}

#[derive(Default)]
struct Found {
    root: bool,
    depth: usize,
}

type Checked = Result<(), String>;

impl Found {
    fn term(&mut self, term: &Term<&str>) -> Checked {
        if self.depth >= MAX_DEPTH {
            return Err(format!(
                "an expression has at most {MAX_DEPTH} steps within or after each other"
            ));
        }
        self.depth += 1;
        let checked = self.parts_of(term);
        self.depth -= 1;
        checked
    }

    fn parts_of(&mut self, term: &Term<&str>) -> Checked {
        match term {
            Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) => Ok(()),
            Term::Str(format, parts) => {
                format.map_or(Ok(()), |name| self.call(name, &[]))?;
                self.parts(parts)
            }
            Term::Arr(inner) => inner.as_deref().map_or(Ok(()), |t| self.term(t)),
            Term::Obj(members) => members.iter().try_for_each(|(key, value)| {
                self.term(key)?;
                value.as_ref().map_or(Ok(()), |v| self.term(v))
            }),
            Term::Neg(inner) | Term::Label(_, inner) => self.term(inner),
            Term::BinOp(left, op, right) => {
                self.term(left)?;
                if let BinaryOp::Pipe(Some(pattern)) = op {
                    self.pattern(pattern)?;
                }
                self.term(right)
            }
            Term::Fold(_, source, pattern, args) => {
                self.term(source)?;
                self.pattern(pattern)?;
                args.iter().try_for_each(|t| self.term(t))
            }
            Term::TryCatch(body, catch) => {
                self.term(body)?;
                catch.as_deref().map_or(Ok(()), |t| self.term(t))
            }
            Term::IfThenElse(cases, otherwise) => {
                cases.iter().try_for_each(|(when, then)| {
                    self.term(when)?;
                    self.term(then)
                })?;
                otherwise.as_deref().map_or(Ok(()), |t| self.term(t))
            }
            Term::Def(defs, _) => {
                let name = defs.first().map_or("", |d| d.name);
                Err(format!(
                    "\"def {name}\" is not available: an expression has no definitions of its own"
                ))
            }
            Term::Call(name, args) => self.call(name, args),
            Term::Var(name) => self.var(name),
            Term::Path(start, path) => {
                self.term(start)?;
                self.path(path)
            }
        }
    }

    fn parts(&mut self, parts: &[StrPart<&str, Term<&str>>]) -> Checked {
        parts.iter().try_for_each(|part| match part {
            StrPart::Term(term) => self.term(term),
            StrPart::Str(_) | StrPart::Char(_) => Ok(()),
        })
    }

    fn path(&mut self, path: &Path<Term<&str>>) -> Checked {
        path.0.iter().try_for_each(|(part, _)| match part {
            Part::Index(index) => self.term(index),
            Part::Range(from, to) => {
                from.as_ref().map_or(Ok(()), |t| self.term(t))?;
                to.as_ref().map_or(Ok(()), |t| self.term(t))
            }
        })
    }

    fn pattern(&mut self, pattern: &Pattern<&str>) -> Checked {
        match pattern {
            Pattern::Var(_) => Ok(()),
            Pattern::Arr(inner) => inner.iter().try_for_each(|p| self.pattern(p)),
            Pattern::Obj(members) => members.iter().try_for_each(|(key, pattern)| {
                self.term(key)?;
                self.pattern(pattern)
            }),
        }
    }

    fn var(&mut self, name: &str) -> Checked {
        match name {
            "$root" => self.root = true,
            "$ENV" | "$__loc__" | "$__prog_args" => return Err(format!("{name} is not available in an expression")),
            _ => {}
        }
        Ok(())
    }

    fn call(&mut self, name: &str, args: &[Term<&str>]) -> Checked {
        if !ALLOWED.contains(&name) {
            let mut sentence = format!("\"{name}\" is not available in an expression");
            if let Some(near) = nearest(name, ALLOWED.iter().copied()) {
                sentence.push_str(&format!("; did you mean \"{near}\"?"));
            } else if args.is_empty() && !name.starts_with('@') {
                sentence.push_str(
                    ": a field is written with a point before it (.name), one with other characters than letters, digits and _ in quotes (.\"a-b\"), a constant as {\"$value\": …}",
                );
            }
            return Err(sentence);
        }
        if REGEX.contains(&name) {
            regex(name, args.first())?;
        }
        args.iter().try_for_each(|t| self.term(t))
    }
}

/// A regular expression is a constant, short, and without counted repetition: so its cost is known beforehand.
fn regex(name: &str, pattern: Option<&Term<&str>>) -> Checked {
    let Some(Term::Str(None, parts)) = pattern else {
        return Err(format!("\"{name}\" takes its regular expression as a constant text"));
    };
    let mut length = 0;
    for part in parts {
        match part {
            StrPart::Str(text) => {
                if text.contains('{') {
                    return Err(format!(
                        "\"{name}\": counted repetition {{n}} is not available in regular expressions"
                    ));
                }
                length += text.len();
            }
            StrPart::Char('{') => {
                return Err(format!(
                    "\"{name}\": counted repetition {{n}} is not available in regular expressions"
                ));
            }
            StrPart::Char(_) => length += 1,
            StrPart::Term(_) => return Err(format!("\"{name}\" takes its regular expression as a constant text")),
        }
    }
    if length > MAX_REGEX_BYTES {
        return Err(format!(
            "\"{name}\": a regular expression has at most {MAX_REGEX_BYTES} characters"
        ));
    }
    Ok(())
}
