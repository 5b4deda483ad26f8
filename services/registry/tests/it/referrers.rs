//! The referrers API.

use oci::{Digest, media_type};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, descriptor, digest_of, expect, header};
use crate::server::Server;

async fn referrers(client: &Client, path: &str) -> (Vec<Value>, Option<String>) {
    let response = expect(client.get(path), StatusCode::OK).await;
    assert_eq!(header(&response, "content-type"), media_type::OCI_INDEX);
    let filters =
        response.headers().get("oci-filters-applied").map(|value| value.to_str().unwrap().to_owned());
    let index: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(index["schemaVersion"], 2);
    assert_eq!(index["mediaType"], media_type::OCI_INDEX);
    (index["manifests"].as_array().unwrap().clone(), filters)
}

#[tokio::test]
async fn referrers_are_listed_and_filtered() {
    let server = Server::start();
    let client = Client::new(&server.url);
    // The subject need not be there yet.
    let subject = client.push_parts("a", "subject").await;
    let digest = digest_of(&subject);
    let path = format!("a/referrers/{digest}");
    assert_eq!(referrers(&client, &path).await, (vec![], None));

    let mut sbom = client.push_parts("a", "sbom").await;
    sbom["subject"] = descriptor(digest, &subject);
    sbom["artifactType"] = "application/sbom".into();
    sbom["annotations"] = json!({"tool": "x"});
    let mut signature = client.push_parts("a", "signature").await;
    signature["subject"] = descriptor(digest, &subject);
    let mut expected = Vec::new();
    for document in [&sbom, &signature] {
        let put = client.put_manifest("a", &digest_of(document).to_string(), document);
        let response = expect(put, StatusCode::CREATED).await;
        assert_eq!(header(&response, "oci-subject"), digest.to_string());
        let mut entry = descriptor(digest_of(document), document);
        // What has no type of its own has that of its configuration.
        entry["artifactType"] =
            document.get("artifactType").unwrap_or(&document["config"]["mediaType"]).clone();
        if let Some(annotations) = document.get("annotations") {
            entry["annotations"] = annotations.clone();
        }
        expected.push(entry);
    }
    expected.sort_by_key(|entry| entry["digest"].as_str().unwrap().to_owned());
    let response = expect(client.put_manifest("a", "v1", &subject), StatusCode::CREATED).await;
    assert!(!response.headers().contains_key("oci-subject"));

    assert_eq!(referrers(&client, &path).await, (expected.clone(), None));
    let (filtered, filters) = referrers(&client, &format!("{path}?artifactType=application%2Fsbom")).await;
    assert_eq!(filters.as_deref(), Some("artifactType"));
    assert_eq!(filtered.len(), 1);
    assert_eq!(filtered[0]["annotations"], json!({"tool": "x"}));
    assert_eq!(referrers(&client, &format!("b/referrers/{digest}")).await, (vec![], None));

    for document in [&sbom, &signature] {
        let path = format!("a/manifests/{}", digest_of(document));
        expect(client.delete(&path), StatusCode::ACCEPTED).await;
    }
    assert_eq!(referrers(&client, &path).await, (vec![], None));
    assert!(server.files("_referrers").is_empty());
    let nobody = format!("a/referrers/{}", Digest::from_bytes([9; 32]));
    assert_eq!(referrers(&client, &nobody).await, (vec![], None));
}
