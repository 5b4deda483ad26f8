//! The command line.

use crate::command::Folder;

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = Folder::new();
    let table: &[(&[&str], &str)] = &[
        (&["pull", "--repository", "a/b", "--output", "x"], "<--digest <DIGEST>|--tag <TAG>>"),
        (&["pull", "--repository", "a/b", "--tag", "1"], "--output <DIR>"),
        (&["pull", "--repository", "A/b", "--tag", "1", "--output", "x"], "`A/b` is not a repository"),
        (&["pull", "--repository", "a", "--tag", "-1", "--output", "x"], "'-1'"),
        (&["pull", "--repository", "a", "--tag", "b/c", "--output", "x"], "`b/c` is not a tag"),
        (
            &["pull", "--repository", "a", "--digest", "sha256:1", "--output", "x"],
            "`sha256:1` is not a digest",
        ),
        (
            &["pull", "--repository", "a", "--tag", "1", "--registry", "http://x", "--output", "x"],
            "is not a registry",
        ),
        (&["push"], "unrecognized subcommand 'push'"),
    ];
    for (arguments, expected) in table {
        let ran = folder.run(arguments);
        assert_eq!(ran.status, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{arguments:?}: {}", ran.stderr);
    }
}
