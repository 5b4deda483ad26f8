//! What the configuration says.

use std::collections::BTreeMap;

use oci::config::RuntimeConfig;
use regex::Regex;

use super::Check;
use crate::expectations::{Metadata, Pair};

pub(super) fn checks(expected: &Metadata, config: &RuntimeConfig) -> Vec<Check> {
    let env: BTreeMap<String, String> = config
        .env
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let mut checks = Vec::new();
    for pair in expected.env.iter().chain(&expected.env_vars) {
        checks.push(Check::new(format!("env {}", pair.key), pair_problem(pair, &env)));
    }
    for pair in &expected.labels {
        checks.push(Check::new(format!("label {}", pair.key), pair_problem(pair, &config.labels)));
    }
    for (name, expected, found) in
        [("entrypoint", &expected.entrypoint, &config.entrypoint), ("cmd", &expected.cmd, &config.cmd)]
    {
        if let Some(expected) = expected {
            let problem = (expected != found).then(|| format!("expected {expected:?}, found {found:?}"));
            checks.push(Check::new(name, problem));
        }
    }
    for (name, expected, found) in
        [("workdir", &expected.workdir, &config.working_dir), ("user", &expected.user, &config.user)]
    {
        if !expected.is_empty() {
            let problem = (expected != found).then(|| format!("expected `{expected}`, found `{found}`"));
            checks.push(Check::new(name, problem));
        }
    }
    checks.extend(sets(expected, config));
    checks
}

/// Ports and volumes that are there or are not.
fn sets(expected: &Metadata, config: &RuntimeConfig) -> Vec<Check> {
    let ports =
        |ports: &[crate::expectations::Port]| ports.iter().map(crate::expectations::Port::name).collect();
    let volumes = |volumes: &[String]| volumes.to_vec();
    let table: [(&str, bool, Vec<String>, _); 4] = [
        ("exposed port", true, ports(&expected.exposed_ports), &config.exposed_ports),
        ("unexposed port", false, ports(&expected.unexposed_ports), &config.exposed_ports),
        ("volume", true, volumes(&expected.volumes), &config.volumes),
        ("unmounted volume", false, volumes(&expected.unmounted_volumes), &config.volumes),
    ];
    let mut checks = Vec::new();
    for (name, wanted, keys, found) in table {
        for key in keys {
            let problem = (found.contains_key(&key) != wanted).then(|| {
                let found: Vec<_> = found.keys().collect();
                format!(
                    "expected it {}, found {found:?}",
                    if wanted { "among them" } else { "not among them" }
                )
            });
            checks.push(Check::new(format!("{name} {key}"), problem));
        }
    }
    checks
}

fn pair_problem(pair: &Pair, found: &BTreeMap<String, String>) -> Option<String> {
    let Some(value) = found.get(&pair.key) else {
        let keys: Vec<_> = found.keys().collect();
        return Some(format!("it is not set; set are {keys:?}"));
    };
    if !pair.is_regex {
        return (*value != pair.value).then(|| format!("expected `{}`, found `{value}`", pair.value));
    }
    match Regex::new(&pair.value) {
        Ok(regex) if regex.is_match(value) => None,
        Ok(_) => Some(format!("`{value}` does not match `{}`", pair.value)),
        Err(error) => Some(format!("`{}` is not a regular expression: {error}", pair.value)),
    }
}
