//! Lists of tags and repositories, page by page.

use reqwest::StatusCode;
use serde_json::Value;

use crate::client::{Client, expect, refusal, refused};
use crate::server::Server;

/// Follows `Link` headers to the end.
async fn pages(client: &Client, path: &str, key: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let response = expect(client.get(&path), StatusCode::OK).await;
        next = response.headers().get("link").map(|link| {
            let (path, rest) = link.to_str().unwrap().strip_prefix('<').unwrap().split_once('>').unwrap();
            assert_eq!(rest, "; rel=\"next\"");
            path.to_owned()
        });
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        let names = body[key].as_array().unwrap().iter();
        pages.push(names.map(|name| name.as_str().unwrap().to_owned()).collect());
    }
    pages
}

#[tokio::test]
async fn tags_come_sorted_and_in_pages() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let (_, manifest) = client.push_image("a", "one").await;
    for tag in ["b", "V2", "a", "c", "10"] {
        expect(client.put_manifest("a", tag, &manifest), StatusCode::CREATED).await;
    }
    assert_eq!(pages(&client, "a/tags/list", "tags").await, [["10", "V2", "a", "b", "c"]]);
    let paged = pages(&client, "a/tags/list?n=2", "tags").await;
    assert_eq!(paged, [vec!["10", "V2"], vec!["a", "b"], vec!["c"]]);
    assert_eq!(pages(&client, "a/tags/list?n=5", "tags").await.len(), 1);
    assert_eq!(pages(&client, "a/tags/list?n=0", "tags").await, [Vec::<String>::new()]);
    assert_eq!(pages(&client, "a/tags/list?last=V2", "tags").await, [["a", "b", "c"]]);
    assert_eq!(pages(&client, "a/tags/list?n=1&last=b", "tags").await, [["c"]]);
    assert_eq!(refusal(client.get("a/tags/list?n=x")).await, refused(400, "PAGINATION_NUMBER_INVALID"));
}

#[tokio::test]
async fn repositories_appear_with_their_content() {
    let server = Server::start();
    let client = Client::new(&server.url);
    assert_eq!(pages(&client, "_catalog", "repositories").await, [Vec::<String>::new()]);
    assert_eq!(refusal(client.get("a/tags/list")).await, refused(404, "NAME_UNKNOWN"));
    client.start_upload("a").await;
    assert_eq!(refusal(client.get("a/tags/list")).await, refused(404, "NAME_UNKNOWN"));
    for repository in ["a/b/c", "b", "a"] {
        client.push_blob(repository, b"x").await;
    }
    assert_eq!(pages(&client, "a/tags/list", "tags").await, [Vec::<String>::new()]);
    assert_eq!(pages(&client, "_catalog", "repositories").await, [["a", "a/b/c", "b"]]);
    assert_eq!(pages(&client, "_catalog?n=2", "repositories").await, [vec!["a", "a/b/c"], vec!["b"]]);
    expect(client.delete(&format!("b/blobs/{}", blob::digest_of(b"x"))), StatusCode::ACCEPTED).await;
    assert_eq!(pages(&client, "_catalog", "repositories").await, [["a", "a/b/c"]]);
}
