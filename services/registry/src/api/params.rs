//! The query of a request. Keys may be repeated.

use axum::extract::Query;
use axum::http::Uri;
use oci::Digest;

use crate::error::{Error, parse_digest};

/// Keys and values as they came.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the query; one that is no query is empty.
    pub(super) fn of(uri: &Uri) -> Self {
        Self(Query::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default())
    }

    /// The first value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    /// All values of a key.
    pub(super) fn all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// A digest, where one is given.
    pub(super) fn digest(&self, key: &str) -> Result<Option<Digest>, Error> {
        self.get(key).map(parse_digest).transpose()
    }

    /// The longest list that is wanted.
    pub(super) fn limit(&self) -> Result<Option<usize>, Error> {
        let parse = |text: &str| {
            let expected = "a number that is not negative";
            text.parse().map_err(|_| Error::Parameter { name: "n", value: text.to_owned(), expected })
        };
        self.get("n").map(parse).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_queries() {
        let params = Params::of(&"/x?n=3&tag=a&tag=b%2Bc&last=".parse().unwrap());
        assert_eq!(params.limit().unwrap(), Some(3));
        assert_eq!(params.all("tag").collect::<Vec<_>>(), ["a", "b+c"]);
        assert_eq!(params.get("last"), Some(""));
        assert_eq!(params.get("from"), None);
        assert!(Params::of(&"/x?n=-1".parse().unwrap()).limit().is_err());
        assert!(Params::of(&"/x?digest=sha512:00".parse().unwrap()).digest("digest").is_err());
    }
}
