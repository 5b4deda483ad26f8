//! What kind of document a manifest is. Header and content must not contradict each other: a document that can be
//! read as two kinds is an attack (CVE-2021-41190).

use oci::media_type::{OCI_INDEX, OCI_MANIFEST, is_index, is_manifest};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Cause;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    schema_version: Option<u64>,
    media_type: Option<String>,
    manifests: Option<IgnoredAny>,
    config: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
    fs_layers: Option<IgnoredAny>,
}

/// What kind of manifest or index some stored bytes are; `None` if they are neither or contradict themselves.
pub fn media_type_of(bytes: &[u8]) -> Option<String> {
    media_type(None, bytes).ok()
}

/// The media type of a manifest or index, from the answer's header and the document itself.
pub(crate) fn media_type(header: Option<&str>, bytes: &[u8]) -> Result<String, Cause> {
    if let Some(content_type) =
        header.filter(|header| matches!(*header, "text/html" | "application/xhtml+xml"))
    {
        return Err(Cause::NotARegistry { content_type: content_type.to_owned(), expected: "a manifest" });
    }
    let bad = |text: &str| Err(Cause::Document(text.to_owned()));
    let Ok(probe) = serde_json::from_slice::<Probe>(bytes) else {
        return bad("a manifest that is not JSON");
    };
    if probe.schema_version == Some(1) || probe.fs_layers.is_some() {
        return bad(
            "a manifest of the old schema 1, which holds no layer digests to rely on; push the image again with a current tool",
        );
    }
    let lists = probe.manifests.is_some();
    let describes = probe.config.is_some() || probe.layers.is_some();
    if lists && describes {
        return bad(
            "it has `manifests` as well as `config` or `layers`, so that it is both an index and a manifest",
        );
    }
    let known = |text: &&str| is_index(text) || is_manifest(text);
    let declared = probe.media_type.as_deref();
    let header = header.filter(known);
    if let (Some(declared), Some(header)) = (declared, header)
        && declared != header
    {
        return Err(Cause::Document(format!(
            "the registry says `{header}`, the document itself `{declared}`"
        )));
    }
    let by_shape = if lists { OCI_INDEX } else { OCI_MANIFEST };
    let media_type = declared.or(header).unwrap_or(by_shape);
    if is_index(media_type) && !lists {
        return bad("an index without `manifests`");
    }
    if is_manifest(media_type) && !describes {
        return bad("a manifest without `config` and `layers`");
    }
    Ok(media_type.to_owned())
}

#[cfg(test)]
mod tests {
    use oci::media_type::{DOCKER_INDEX, DOCKER_MANIFEST};

    use super::*;

    #[test]
    fn header_and_content_must_agree() {
        let json = Some("application/json");
        let accepted = [
            (Some(OCI_INDEX), r#"{"manifests":[]}"#, OCI_INDEX),
            (json, r#"{"manifests":[]}"#, OCI_INDEX),
            (None, r#"{"config":{},"layers":[]}"#, OCI_MANIFEST),
            (Some(DOCKER_MANIFEST), r#"{"config":{},"layers":[]}"#, DOCKER_MANIFEST),
            (
                json,
                r#"{"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[]}"#,
                DOCKER_INDEX,
            ),
            (json, r#"{"mediaType":"application/x-artifact","blobs":[]}"#, "application/x-artifact"),
        ];
        for (header, body, expected) in accepted {
            assert_eq!(media_type(header, body.as_bytes()).unwrap(), expected, "{body}");
        }
        let refused = [
            (Some("text/html"), "<html>", "answered with `text/html` instead of a manifest"),
            (json, "<html>", "not JSON"),
            (json, r#"{"schemaVersion":1,"fsLayers":[]}"#, "old schema 1"),
            (json, r#"{"manifests":[],"layers":[]}"#, "both an index and a manifest"),
            (Some(OCI_MANIFEST), r#"{"manifests":[]}"#, "without `config`"),
            (Some(OCI_INDEX), r#"{"config":{},"layers":[]}"#, "without `manifests`"),
            (
                Some(OCI_MANIFEST),
                r#"{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
                "the registry says",
            ),
        ];
        for (header, body, expected) in refused {
            let error = media_type(header, body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{body}: {error}");
        }
    }
}
