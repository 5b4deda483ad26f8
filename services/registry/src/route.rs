//! Which resource a path names. Repository names contain slashes, so the last segments decide.

use oci::{Digest, Repository, Tag};

use crate::error::{Error, parse_digest};

/// A resource of the protocol.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/v2/`
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/<name>/tags/list`
    Tags(Repository),
    /// `/v2/<name>/manifests/<reference>`
    Manifest(Repository, Reference),
    /// `/v2/<name>/blobs/<digest>`
    Blob(Repository, Digest),
    /// `/v2/<name>/blobs/uploads/`
    Uploads(Repository),
    /// `/v2/<name>/blobs/uploads/<id>`; the text is not checked yet.
    Upload(Repository, String),
    /// `/v2/<name>/referrers/<digest>`
    Referrers(Repository, Digest),
}

/// How a manifest is named within its repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    Tag(Tag),
    Digest(Digest),
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl Route {
    /// Parses a path without its percent-encoding.
    pub(crate) fn parse(path: &str) -> Result<Self, Error> {
        let unknown = || Error::Path(path.chars().take(300).collect());
        let rest = path.strip_prefix("/v2").ok_or_else(unknown)?;
        let segments: Vec<&str> = rest.strip_prefix('/').unwrap_or(rest).split('/').collect();
        Ok(match segments.as_slice() {
            [""] => Self::Base,
            ["_catalog"] => Self::Catalog,
            [name @ .., "tags", "list"] => Self::Tags(repository(name)?),
            [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => {
                Self::Uploads(repository(name)?)
            }
            [name @ .., "blobs", "uploads", id] => Self::Upload(repository(name)?, (*id).to_owned()),
            [name @ .., "blobs", digest] => Self::Blob(repository(name)?, parse_digest(digest)?),
            [name @ .., "referrers", digest] => Self::Referrers(repository(name)?, parse_digest(digest)?),
            [name @ .., "manifests", reference] => {
                let repository = repository(name)?;
                let reference = if reference.contains(':') {
                    Reference::Digest(parse_digest(reference)?)
                } else {
                    Reference::Tag(reference.parse().map_err(Error::Name)?)
                };
                Self::Manifest(repository, reference)
            }
            _ => return Err(unknown()),
        })
    }
}

/// A path without its percent-encoding; what is no encoding stays as it is.
pub(crate) fn decode(path: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = path.as_bytes();
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        if let (b'%', Some(high), Some(low)) = (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            decoded.push(u8::try_from(high * 16 + low).unwrap_or(byte));
            at += 3;
        } else {
            decoded.push(byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn repository(segments: &[&str]) -> Result<Repository, Error> {
    segments.join("/").parse().map_err(Error::Name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_segments_decide() {
        let digest = Digest::from_bytes([0x11; 32]);
        let repository = |text: &str| text.parse::<Repository>().unwrap();
        let table = [
            ("/v2".to_owned(), Route::Base),
            ("/v2/".to_owned(), Route::Base),
            ("/v2/_catalog".to_owned(), Route::Catalog),
            ("/v2/a/b/c/tags/list".to_owned(), Route::Tags(repository("a/b/c"))),
            ("/v2/a/blobs/uploads/".to_owned(), Route::Uploads(repository("a"))),
            ("/v2/a/blobs/uploads".to_owned(), Route::Uploads(repository("a"))),
            ("/v2/a/b/blobs/uploads/x".to_owned(), Route::Upload(repository("a/b"), "x".into())),
            (format!("/v2/blobs/uploads/blobs/{digest}"), Route::Blob(repository("blobs/uploads"), digest)),
            (format!("/v2/a/referrers/{digest}"), Route::Referrers(repository("a"), digest)),
            (
                format!("/v2/a/manifests/{digest}"),
                Route::Manifest(repository("a"), Reference::Digest(digest)),
            ),
            (
                "/v2/manifests/manifests/v1".to_owned(),
                Route::Manifest(repository("manifests"), Reference::Tag("v1".parse().unwrap())),
            ),
        ];
        for (path, route) in table {
            assert_eq!(Route::parse(&path).unwrap(), route, "{path}");
        }
    }

    #[test]
    fn percent_encoding_is_undone() {
        for (encoded, decoded) in
            [("/a%3Ab", "/a:b"), ("/%", "/%"), ("/%2", "/%2"), ("/%zz", "/%zz"), ("%ff", "\u{fffd}")]
        {
            assert_eq!(decode(encoded), decoded);
        }
    }

    #[test]
    fn refuses_what_could_be_mistaken() {
        let table = [
            ("/", "Path"),
            ("/v1/", "Path"),
            ("/v2/a/tags", "Path"),
            ("/v2/tags/list", "Name"),
            ("/v2/A/tags/list", "Name"),
            ("/v2/a/../b/tags/list", "Name"),
            ("/v2/_blobs/manifests/x", "Name"),
            ("/v2/a/manifests/.x", "Name"),
            ("/v2/a/manifests/sha256:12", "Digest"),
            ("/v2/a/blobs/x", "Digest"),
            ("/v2/a/blobs/sha512:12", "Algorithm"),
        ];
        for (path, kind) in table {
            let error = format!("{:?}", Route::parse(path).unwrap_err());
            assert!(error.starts_with(kind), "{path}: {error}");
        }
    }
}
