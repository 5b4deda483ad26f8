//! `WWW-Authenticate`, read strictly (RFC 9110, 11.6.1): what is not exactly a challenge is none.

use reqwest::Url;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// Longer headers are not read.
const MAX_LENGTH: usize = 8 << 10;

/// What a registry wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A token from the token server `realm`.
    Bearer { realm: Url, service: Option<String> },
    /// User name and password.
    Basic,
}

impl Challenge {
    /// The challenge we answer best: Bearer before Basic, the first of each kind.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let all: Vec<Self> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter(|value| value.len() <= MAX_LENGTH)
            .filter_map(|value| value.to_str().ok())
            .filter_map(parse)
            .flatten()
            .filter_map(Self::from_parts)
            .collect();
        let bearer = all.iter().find(|challenge| matches!(challenge, Self::Bearer { .. }));
        bearer.or(all.first()).cloned()
    }

    fn from_parts((scheme, parameters): (String, Vec<(String, String)>)) -> Option<Self> {
        let parameter =
            |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        match scheme.as_str() {
            "basic" => Some(Self::Basic),
            "bearer" => {
                let realm = Url::parse(&parameter("realm")?).ok()?;
                let web = matches!(realm.scheme(), "https" | "http") && realm.has_host();
                let plain = realm.username().is_empty() && realm.password().is_none();
                (web && plain).then(|| Self::Bearer { realm, service: parameter("service") })
            }
            _ => None,
        }
    }
}

type Parts = (String, Vec<(String, String)>);

/// All challenges of a header line, or `None` if it is malformed anywhere.
fn parse(line: &str) -> Option<Vec<Parts>> {
    let mut rest = line.trim();
    let mut challenges: Vec<Parts> = Vec::new();
    while !rest.is_empty() {
        let (word, after) = split_token(rest)?;
        // `name=value` belongs to the challenge before; `Name` begins another.
        if let Some(after) = after.trim_start().strip_prefix('=') {
            let (value, after) = split_value(after.trim_start())?;
            let (_, parameters) = challenges.last_mut()?;
            let name = word.to_ascii_lowercase();
            if parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, value));
            rest = end_of_item(after)?;
        } else {
            challenges.push((word.to_ascii_lowercase(), Vec::new()));
            let separated = after.is_empty() || after.starts_with([' ', ',']);
            rest = if separated { after.trim_start_matches([' ', ',']) } else { return None };
        }
    }
    Some(challenges)
}

fn split_token(text: &str) -> Option<(&str, &str)> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !token(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn split_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return split_token(text).map(|(value, rest)| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            c if c.is_control() => return None,
            c => value.push(c),
        }
    }
    None
}

/// What follows a value: nothing, or a comma and more.
fn end_of_item(text: &str) -> Option<&str> {
    let text = text.trim_start();
    if text.is_empty() { Some(text) } else { Some(text.strip_prefix(',')?.trim_start_matches([' ', ','])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(lines: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, line.parse().unwrap());
        }
        Challenge::from_headers(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer { realm: realm.parse().unwrap(), service: service.map(str::to_owned) }
    }

    #[test]
    fn reads_what_registries_send() {
        let table: &[(&[&str], Option<Challenge>)] = &[
            (
                &[
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#,
                ],
                Some(bearer("https://auth.docker.io/token", Some("registry.docker.io"))),
            ),
            (&[r#"bearer service=x, realm="https://a.io/t""#], Some(bearer("https://a.io/t", Some("x")))),
            (&[r#"Basic realm="registry""#], Some(Challenge::Basic)),
            (&["Basic"], Some(Challenge::Basic)),
            (&["Basic", r#"Bearer realm="https://a.io/t""#], Some(bearer("https://a.io/t", None))),
            (&[r#"Basic realm="r", Bearer realm="https://a.io/t""#], Some(bearer("https://a.io/t", None))),
            (&[r#"Negotiate, Basic realm="a \"quoted\" one""#], Some(Challenge::Basic)),
        ];
        for (lines, expected) in table {
            assert_eq!(challenge(lines), *expected, "{lines:?}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for line in [
            "",
            "Bearer",
            r#"realm="https://a.io/t""#,
            r#"Bearer realm="https://a.io/t"#,
            r#"Bearer realm="https://a.io/t" service="x""#,
            r#"Bearer realm="https://a.io/t",realm="https://b.io/t""#,
            r#"Bearer realm="file:///etc/passwd""#,
            r#"Bearer realm="https://user:pass@a.io/t""#,
            r#"Bearer realm="/token""#,
            r#"Bearer realm="not a url""#,
            r#"Bearer=realm="https://a.io/t""#,
            r#"Digest realm="x""#,
        ] {
            assert_eq!(challenge(&[line]), None, "{line}");
        }
        let long = format!(r#"Bearer realm="https://a.io/{}""#, "x".repeat(MAX_LENGTH));
        assert_eq!(challenge(&[&long]), None);
    }
}
