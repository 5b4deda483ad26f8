//! `builder plan merge`: several plans become one.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::anyhow;
use blob::AtomicFile;
use oci::Digest;
use plan::{Kind, Operation, Plan, Push};
use tool::{Failure, FailureContext as _, Outcome};

use super::content::add_layer;
use crate::cli::PlanMergeArgs;
use crate::{entries, values};

/// Reads a plan.
pub(crate) fn read(path: &Path) -> Result<Plan, Failure> {
    Plan::from_json(&fs_err::read(path)?).about(format!("`{}`", path.display())).or_usage()
}

pub(crate) fn run(args: &PlanMergeArgs) -> Outcome {
    build(args).map_err(|failure| values::named(&args.label, failure))
}

fn build(args: &PlanMergeArgs) -> Outcome {
    let mut merged = Plan::default();
    for path in &args.plan {
        merged.append(read(path)?);
    }
    if !args.operation.is_empty() {
        merged.operations.retain(|operation| args.operation.iter().any(|kind| kind == command(operation)));
        if merged.operations.is_empty() {
            let error = anyhow!("no operation is left: none of them is a {}", args.operation.join(" or a "));
            return Err(Failure::usage(error)
                .hint("let `deploy_operations` name what the targets in `operations` do"));
        }
    }
    for operation in &mut merged.operations {
        match operation {
            Operation::Push(push) => push.strategy = args.push_strategy.unwrap_or(push.strategy),
            Operation::Load(load) => load.strategy = args.load_strategy.unwrap_or(load.strategy),
        }
    }
    if let Some(list) = &args.entries {
        ship_layers(&mut merged, list)?;
    }
    refuse_shared_tags(&merged)?;
    AtomicFile::write(&args.output, merged.to_json().as_bytes())?;
    Ok(())
}

/// What `deploy_operations` calls an operation.
fn command(operation: &Operation) -> &'static str {
    match operation {
        Operation::Push(_) => "push",
        Operation::Load(_) => "load",
    }
}

/// Forgets where the layers of the single plans lie: what is shipped with all of them is said by the list alone.
fn ship_layers(plan: &mut Plan, list: &Path) -> Outcome {
    for blob in plan.blobs.values_mut().filter(|blob| blob.kind == Kind::Layer) {
        blob.runfile = None;
    }
    for fields in entries::read_fields(list)? {
        match fields.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["layer", metadata, runfile, label] => add_layer(plan, Path::new(metadata), runfile, label)?,
            fields => {
                let error = anyhow!("`{}` in `{}` is not a layer", fields.join(" "), list.display());
                return Err(Failure::usage(error));
            }
        }
    }
    Ok(())
}

/// Operations run at the same time, so a tag that two of them set would be either of the two.
fn refuse_shared_tags(plan: &Plan) -> Outcome {
    let mut set: BTreeMap<(&str, &str, &str), (Digest, &str)> = BTreeMap::new();
    for push in plan.operations.iter().filter_map(Operation::as_push) {
        for (tag, digest) in tags(push) {
            let (known, label) =
                *set.entry((&push.registry, &push.repository, tag)).or_insert((digest, &push.label));
            if known != digest {
                let error = anyhow!(
                    "`{}/{}:{tag}` is to be `{known}` for `{label}` and `{digest}` for `{}`",
                    push.registry,
                    push.repository,
                    push.label
                );
                return Err(Failure::usage(error).hint("give them different tags or repositories"));
            }
        }
    }
    Ok(())
}

fn tags(push: &Push) -> impl Iterator<Item = (&str, Digest)> {
    let of_manifests = push
        .manifest_tags
        .iter()
        .flat_map(|(digest, tags)| tags.iter().map(move |tag| (tag.as_str(), *digest)));
    push.tags.iter().map(|tag| (tag.as_str(), push.root.digest)).chain(of_manifests)
}
