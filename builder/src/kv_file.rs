//! Files with keys and values: annotations, labels, environment.
//!
//! Three forms, told apart by the first character that is not a space: a JSON object (values: strings, or lists of
//! strings of which the last counts), a JSON list of `KEY=VALUE` strings, or text with one `KEY=VALUE` a line, where
//! blank lines and lines that start with `#` are skipped. Later keys win.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use serde::Deserialize;
use tool::{Failure, FailureContext as _};

/// Reads a file; none is an empty set.
pub(crate) fn read(path: Option<&Path>) -> Result<BTreeMap<String, String>, Failure> {
    let Some(path) = path else { return Ok(BTreeMap::new()) };
    let bytes = fs_err::read(path)?;
    parse(&bytes).context(format!("keys and values in `{}`", path.display())).or_usage()
}

#[derive(Deserialize)]
#[serde(untagged)]
enum JsonValue {
    One(String),
    Many(Vec<String>),
}

fn parse(bytes: &[u8]) -> Result<BTreeMap<String, String>, anyhow::Error> {
    let text = str::from_utf8(bytes).context("not valid UTF-8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    match text.as_bytes().first() {
        Some(b'{') => {
            let object: BTreeMap<String, JsonValue> =
                serde_json::from_str(text).context("not a JSON object of strings")?;
            object
                .into_iter()
                .map(|(key, value)| match value {
                    JsonValue::One(value) => Ok((key, value)),
                    JsonValue::Many(mut values) => {
                        let value = values.pop().ok_or_else(|| anyhow!("the list of `{key}` is empty"))?;
                        Ok((key, value))
                    }
                })
                .collect()
        }
        Some(b'[') => {
            let list: Vec<String> = serde_json::from_str(text).context("not a JSON list of strings")?;
            list.iter().map(|pair| split(pair)).collect()
        }
        _ => text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(split)
            .collect(),
    }
}

fn split(pair: &str) -> Result<(String, String), anyhow::Error> {
    match pair.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err(anyhow!("`{pair}` is not `KEY=VALUE`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_forms() {
        let table: [(&str, &[(&str, &str)]); 8] = [
            ("", &[]),
            ("# nothing\n\n", &[]),
            ("a=1\r\n b = 2=3 \n#c=4\na=5", &[("a", "5"), ("b", "2=3")]),
            ("\u{feff}a=", &[("a", "")]),
            (r#" {"a": " 1 ", "b": ["2", "3"]}"#, &[("a", " 1 "), ("b", "3")]),
            (r#"["a = 1", "b=2", "a=3"]"#, &[("a", "3"), ("b", "2")]),
            ("{}", &[]),
            ("[]", &[]),
        ];
        for (text, pairs) in table {
            let expected: BTreeMap<String, String> =
                pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            assert_eq!(parse(text.as_bytes()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_has_no_keys() {
        for text in ["a", "=1", "{", r#"{"a":1}"#, r#"{"a":[]}"#, r#"["a"]"#, "[1]"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"a=\xff").is_err());
    }
}
