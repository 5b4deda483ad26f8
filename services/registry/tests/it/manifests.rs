//! Manifests: what is accepted, what is served, what may be deleted.

use oci::{Digest, media_type};
use reqwest::StatusCode;
use serde_json::json;

use crate::client::{Client, descriptor, digest_of, expect, header, index, refusal, refused};
use crate::server::Server;

#[tokio::test]
async fn what_was_pushed_is_what_is_served() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let manifest = client.push_parts("a/b", "layer").await;
    // Spaces and unknown fields belong to the bytes.
    let bytes = format!("  {}\n", manifest.to_string().replacen('{', "{\"x\": 1, ", 1));
    let digest = blob::digest_of(bytes.as_bytes());
    let put = client.put_bytes("a/b", "v1", media_type::OCI_MANIFEST, bytes.clone());
    let response = expect(put, StatusCode::CREATED).await;
    assert_eq!(header(&response, "docker-content-digest"), digest.to_string());
    assert_eq!(header(&response, "location"), format!("/v2/a/b/manifests/{digest}"));
    for reference in ["v1".to_owned(), digest.to_string()] {
        let path = format!("a/b/manifests/{reference}");
        let head = expect(client.head(&path), StatusCode::OK).await;
        assert_eq!(header(&head, "content-length"), bytes.len().to_string());
        let get = expect(client.get(&path), StatusCode::OK).await;
        assert_eq!(header(&get, "content-type"), media_type::OCI_MANIFEST);
        assert_eq!(header(&get, "docker-content-digest"), digest.to_string());
        assert_eq!(get.text().await.unwrap(), bytes);
        let known = client.get(&path).header("if-none-match", format!("W/\"{digest}\""));
        expect(known, StatusCode::NOT_MODIFIED).await;
    }
    assert_eq!(refusal(client.get("a/b/manifests/v2")).await, refused(404, "MANIFEST_UNKNOWN"));
    assert_eq!(refusal(client.get("a/manifests/v1")).await, refused(404, "MANIFEST_UNKNOWN"));
    assert_eq!(refusal(client.get(&format!("c/manifests/{digest}"))).await, refused(404, "MANIFEST_UNKNOWN"));
}

#[tokio::test]
async fn a_tag_moves() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let (first, manifest) = client.push_image("a", "one").await;
    expect(client.put_manifest("a", "latest", &manifest), StatusCode::CREATED).await;
    let (second, manifest) = client.push_image("a", "two").await;
    expect(client.put_manifest("a", "latest", &manifest), StatusCode::CREATED).await;
    let response = expect(client.head("a/manifests/latest"), StatusCode::OK).await;
    assert_eq!(header(&response, "docker-content-digest"), second.to_string());
    expect(client.head(&format!("a/manifests/{first}")), StatusCode::OK).await;
}

#[tokio::test]
async fn tags_can_be_parameters() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let (digest, manifest) = client.push_image("a", "one").await;
    let put = client.put_manifest("a", &format!("{digest}?tag=x&tag=y"), &manifest);
    let response = expect(put, StatusCode::CREATED).await;
    let tags: Vec<_> = response.headers().get_all("oci-tag").iter().collect();
    assert_eq!(tags, ["x", "y"]);
    expect(client.head("a/manifests/y"), StatusCode::OK).await;
}

#[tokio::test]
async fn unfit_manifests_are_refused() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let good = client.push_parts("a", "layer").await;
    let with = |pointer: &str, value: serde_json::Value| {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document.to_string()
    };
    let absent = Digest::from_bytes([7; 32]);
    let manifest = media_type::OCI_MANIFEST;
    let table = [
        (manifest, String::new(), "MANIFEST_INVALID"),
        (manifest, "<html>".to_owned(), "MANIFEST_INVALID"),
        (manifest, "{}".to_owned(), "MANIFEST_INVALID"),
        (media_type::OCI_INDEX, good.to_string(), "MANIFEST_INVALID"),
        (media_type::DOCKER_MANIFEST, good.to_string(), "MANIFEST_INVALID"),
        ("application/json", good.to_string(), "MANIFEST_INVALID"),
        (manifest, with("/schemaVersion", 1.into()), "MANIFEST_INVALID"),
        (manifest, with("/config/digest", "sha512:00".into()), "MANIFEST_INVALID"),
        (manifest, with("/config/digest", json!(absent)), "MANIFEST_BLOB_UNKNOWN"),
        (manifest, with("/layers/0/digest", json!(absent)), "MANIFEST_BLOB_UNKNOWN"),
        (manifest, with("/layers/0/size", 4.into()), "SIZE_INVALID"),
    ];
    for (content_type, body, code) in table {
        let put = client.put_bytes("a", "v1", content_type, body.clone());
        assert_eq!(refusal(put).await, refused(400, code), "{body}");
    }
    let put = client.put_manifest("a", &absent.to_string(), &good);
    assert_eq!(refusal(put).await, refused(400, "DIGEST_INVALID"));
    let put = client.put_manifest("a", "-v", &good);
    assert_eq!(refusal(put).await, refused(400, "NAME_INVALID"));
    // Blobs of another repository do not count.
    assert_eq!(refusal(client.put_manifest("b", "v1", &good)).await, refused(400, "MANIFEST_BLOB_UNKNOWN"));
    assert!(server.files("_manifests").is_empty() && server.files("_tags").is_empty());
}

#[tokio::test]
async fn the_size_of_a_manifest_is_capped() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let mut manifest = client.push_parts("a", "layer").await;
    let limit = 4 << 20;
    manifest["annotations"] = json!({"x": ""});
    let fill = limit - manifest.to_string().len();
    manifest["annotations"]["x"] = "x".repeat(fill).into();
    assert_eq!(manifest.to_string().len(), limit);
    expect(client.put_manifest("a", "v1", &manifest), StatusCode::CREATED).await;
    let larger = format!("{manifest} ");
    let put = client.put_bytes("a", "v2", media_type::OCI_MANIFEST, larger);
    assert_eq!(refusal(put).await, refused(413, "SIZE_INVALID"));
}

#[tokio::test]
async fn layers_from_elsewhere_need_not_be_here() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let mut manifest = client.push_parts("a", "layer").await;
    manifest["layers"][0]["digest"] = json!(Digest::from_bytes([7; 32]));
    manifest["layers"][0]["urls"] = json!(["https://example.com/layer"]);
    expect(client.put_manifest("a", "v1", &manifest), StatusCode::CREATED).await;
}

#[tokio::test]
async fn an_index_needs_its_manifests() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let (digest, manifest) = client.push_image("a", "one").await;
    let index = index(&[(digest, &manifest)]);
    assert_eq!(refusal(client.put_manifest("b", "v1", &index)).await, refused(400, "MANIFEST_BLOB_UNKNOWN"));
    let mut wrong = index.clone();
    wrong["manifests"][0]["size"] = 1.into();
    assert_eq!(refusal(client.put_manifest("a", "v1", &wrong)).await, refused(400, "SIZE_INVALID"));
    expect(client.put_manifest("a", "v1", &index), StatusCode::CREATED).await;
    let response = expect(client.get("a/manifests/v1"), StatusCode::OK).await;
    assert_eq!(header(&response, "content-type"), media_type::OCI_INDEX);

    // An index of indexes, and one that lists a blob.
    let mut outer = crate::client::index(&[(digest_of(&index), &index)]);
    let blob = client.push_blob("a", b"data").await;
    outer["manifests"].as_array_mut().unwrap().push(json!({
        "mediaType": "application/octet-stream", "digest": blob, "size": 4,
    }));
    expect(client.put_manifest("a", "outer", &outer), StatusCode::CREATED).await;
    assert_eq!(outer["manifests"][0], descriptor(digest_of(&index), &index));
}

#[tokio::test]
async fn nothing_is_deleted_from_under_a_manifest() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let (digest, manifest) = client.push_image("a", "one").await;
    let index = index(&[(digest, &manifest)]);
    expect(client.put_manifest("a", "v1", &index), StatusCode::CREATED).await;
    expect(client.put_manifest("a", "v1-linux", &manifest), StatusCode::CREATED).await;
    let layer = format!("a/blobs/{}", manifest["layers"][0]["digest"].as_str().unwrap());
    let child = format!("a/manifests/{digest}");

    assert_eq!(refusal(client.delete(&layer)).await, refused(409, "DENIED"));
    assert_eq!(refusal(client.delete(&child)).await, refused(409, "DENIED"));
    expect(client.delete("a/manifests/v1"), StatusCode::ACCEPTED).await;
    assert_eq!(refusal(client.delete("a/manifests/v1")).await, refused(404, "MANIFEST_UNKNOWN"));
    expect(client.delete(&format!("a/manifests/{}", digest_of(&index))), StatusCode::ACCEPTED).await;
    expect(client.delete(&child), StatusCode::ACCEPTED).await;
    // Its tag went with it.
    assert_eq!(refusal(client.get("a/manifests/v1-linux")).await, refused(404, "MANIFEST_UNKNOWN"));
    assert_eq!(refusal(client.get(&child)).await, refused(404, "MANIFEST_UNKNOWN"));
    expect(client.delete(&layer), StatusCode::ACCEPTED).await;
}
