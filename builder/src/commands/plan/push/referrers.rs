//! Images about the image.

use anyhow::anyhow;
use oci::Digest;
use plan::Root;
use tool::Failure;

use super::super::content::Content;

/// The referrers, each once; what they are about is part of the push.
pub(super) fn check(content: &Content, root: Digest) -> Result<Vec<Root>, Failure> {
    let mut roots: Vec<Root> = Vec::new();
    for referrer in &content.referrers {
        let digest = referrer.root.digest;
        let label = &referrer.label;
        let Some(subject) = content.subjects.get(&digest) else {
            return Err(anyhow!("`referrers`: `{label}`: the plan lacks its document `{digest}`").into());
        };
        let Some(subject) = subject else {
            let error = anyhow!("`referrers`: `{label}` is about no other image");
            return Err(Failure::usage(error).hint(format!("give `{label}` the attribute `subject`")));
        };
        if !content.subjects.contains_key(subject) {
            let error = anyhow!(
                "`referrers`: `{label}` is about `{subject}`, which is not part of this push of `{root}`"
            );
            return Err(Failure::usage(error).hint(format!(
                "let the `subject` of `{label}` be the image that is pushed, or one of its index; the same target built \
                 for another platform is another image"
            )));
        }
        if !roots.contains(&referrer.root) {
            roots.push(referrer.root.clone());
        }
    }
    Ok(roots)
}
