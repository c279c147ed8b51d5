//! The mistakes of a configuration file, all of them at once.

use serde::Serialize;

/// One mistake: where, what was expected, and the nearest right name where there is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
pub struct Mistake {
    /// JSON pointer into the file; empty for the file as a whole.
    pub pointer: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

/// Why a configuration was refused. Displays as one mistake per line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigErrors {
    pub file: String,
    pub mistakes: Vec<Mistake>,
}

impl ConfigErrors {
    /// One mistake that concerns the file as a whole.
    pub fn whole_file(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            mistakes: vec![Mistake {
                pointer: String::new(),
                message: message.into(),
                nearest: None,
            }],
        }
    }
}

impl std::error::Error for ConfigErrors {}

impl std::fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, mistake) in self.mistakes.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {mistake}", self.file)?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = if self.pointer.is_empty() {
            "(whole file)"
        } else {
            &self.pointer
        };
        write!(f, "{at}: {}", self.message)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean \"{nearest}\"?"),
            None => Ok(()),
        }
    }
}

/// Collects mistakes while a file is checked.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    list: Vec<Mistake>,
}

impl Mistakes {
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.push(Mistake {
            pointer: pointer.into(),
            message: message.into(),
            nearest: None,
        });
    }

    /// A name that is none of `known`.
    pub fn unknown<'a>(
        &mut self,
        pointer: impl Into<String>,
        message: impl Into<String>,
        given: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        self.push(Mistake {
            pointer: pointer.into(),
            message: message.into(),
            nearest: nearest(given, known).map(str::to_owned),
        });
    }

    pub fn push(&mut self, mistake: Mistake) {
        if !self.list.contains(&mistake) {
            self.list.push(mistake);
        }
    }

    /// Whether there is a mistake at that place or below it.
    pub fn is_at(&self, pointer: &str) -> bool {
        self.list.iter().any(|m| {
            m.pointer
                .strip_prefix(pointer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn into_errors(mut self, file: &str) -> Option<ConfigErrors> {
        if self.list.is_empty() {
            return None;
        }
        self.list.sort();
        Some(ConfigErrors {
            file: file.to_owned(),
            mistakes: self.list,
        })
    }
}

/// The known name that `given` was most likely meant to be.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&given, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `base` with one more reference token, escaped (RFC 6901).
pub(crate) fn child(base: &str, token: impl std::fmt::Display) -> String {
    let token = token.to_string().replace('~', "~0").replace('/', "~1");
    format!("{base}/{token}")
}
