//! Content discovery: repositories, tags, referrers.

use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use oci::{Annotations, Digest, Index, Repository, media_type};

use super::params::Params;
use super::{App, Parts, json};
use crate::error::Error;
use crate::store::Repositories;

/// Says which filters the list of referrers went through.
const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");

/// `GET /v2/_catalog`
pub(super) async fn catalog(app: &App, parts: &Parts) -> Result<Response, Error> {
    let names = app.store.run(Repositories::catalog).await?;
    let names = names.iter().map(ToString::to_string).collect();
    let (page, link) = paginate(&Params::of(&parts.uri), names, "/v2/_catalog")?;
    Ok((link, json(serde_json::json!({"repositories": page}).to_string())).into_response())
}

/// `GET /v2/<name>/tags/list`
pub(super) async fn tags(app: &App, parts: &Parts, repository: Repository) -> Result<Response, Error> {
    let name = repository.clone();
    let list = move |repositories: &Repositories| {
        if repositories.is_known(&name) {
            Ok(repositories.tags(&name)?)
        } else {
            Err(Error::RepositoryUnknown(name))
        }
    };
    let tags = app.store.run(list).await?.iter().map(ToString::to_string).collect();
    let path = format!("/v2/{repository}/tags/list");
    let (page, link) = paginate(&Params::of(&parts.uri), tags, &path)?;
    Ok((link, json(serde_json::json!({"name": repository.as_str(), "tags": page}).to_string()))
        .into_response())
}

type Link = Option<[(HeaderName, String); 1]>;

/// Cuts a sorted list as `n` and `last` ask, and says where it goes on.
fn paginate(params: &Params, mut names: Vec<String>, path: &str) -> Result<(Vec<String>, Link), Error> {
    if let Some(last) = params.get("last") {
        names.retain(|name| name.as_str() > last);
    }
    let Some(limit) = params.limit()? else { return Ok((names, None)) };
    let more = names.len() > limit;
    names.truncate(limit);
    // Names of repositories and tags need no percent-encoding.
    let link = |last: &String| [(header::LINK, format!("<{path}?n={limit}&last={last}>; rel=\"next\""))];
    let link = names.last().filter(|_| more).map(link);
    Ok((names, link))
}

/// `GET /v2/<name>/referrers/<digest>`
pub(super) async fn referrers(
    app: &App,
    parts: &Parts,
    repository: Repository,
    subject: Digest,
) -> Result<Response, Error> {
    let list = move |repositories: &Repositories| repositories.referrers(&repository, subject);
    let mut manifests = app.store.run(list).await?;
    let params = Params::of(&parts.uri);
    let mut filters = None;
    if let Some(wanted) = params.get("artifactType") {
        manifests.retain(|descriptor| descriptor.artifact_type.as_deref() == Some(wanted));
        filters = Some([(FILTERS, "artifactType")]);
    }
    let index = Index {
        schema_version: 2,
        media_type: Some(media_type::OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests,
        subject: None,
        annotations: Annotations::new(),
    };
    let bytes = serde_json::to_vec(&index).map_err(std::io::Error::other)?;
    Ok((filters, [(header::CONTENT_TYPE, media_type::OCI_INDEX)], bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages() {
        let page = |query: &str| {
            let names = ["a", "b", "c"].map(str::to_owned).to_vec();
            let params = Params::of(&format!("/x?{query}").parse().unwrap());
            let (page, link) = paginate(&params, names, "/x").unwrap();
            (page.join(","), link.map(|[(_, link)]| link))
        };
        assert_eq!(page(""), ("a,b,c".into(), None));
        assert_eq!(page("n=2"), ("a,b".into(), Some("</x?n=2&last=b>; rel=\"next\"".into())));
        assert_eq!(page("n=2&last=b"), ("c".into(), None));
        assert_eq!(page("n=3"), ("a,b,c".into(), None));
        assert_eq!(page("n=0"), (String::new(), None));
        assert_eq!(page("last=aa"), ("b,c".into(), None));
        assert_eq!(page("last=zz"), (String::new(), None));
    }
}
