//! Bazel's workspace status files: `stable-status.txt` and `volatile-status.txt`.

/// The variables of a file: one a line, name and value separated by the first space.
pub(crate) fn parse(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter(|line| !line.is_empty()).map(|line| line.split_once(' ').unwrap_or((line, "")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn splits_at_the_first_space() {
        let found: Vec<_> = super::parse("BUILD_USER me\r\nA  two spaces \nEMPTY\n\nB \n").collect();
        assert_eq!(found, [("BUILD_USER", "me"), ("A", " two spaces "), ("EMPTY", ""), ("B", "")]);
    }
}
