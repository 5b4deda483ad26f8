//! Where a containerd may listen.

use std::path::{Path, PathBuf};

/// Sockets of a containerd that runs as root, and of the one that docker starts if it finds none.
const SYSTEM: [&str; 4] = [
    "/run/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
    "/run/docker/containerd/containerd.sock",
    "/var/run/docker/containerd/containerd.sock",
];

/// Where a containerd may listen, the most likely place first.
///
/// * `address`: the value of `CONTAINERD_ADDRESS`, with or without `unix://`; if there is one, it is the only place.
/// * `runtime_dir`: the value of `XDG_RUNTIME_DIR`, below which the sockets of rootless ones are.
///
/// A rootless containerd (`containerd-rootless.sh`) has its socket in a mount namespace of its own, and leaves in a file
/// by which process it is entered; that file is read here, and nothing else is looked at.
pub fn sockets(address: Option<&str>, runtime_dir: Option<&Path>) -> Vec<PathBuf> {
    if let Some(address) = address.filter(|address| !address.is_empty()) {
        return vec![PathBuf::from(address.strip_prefix("unix://").unwrap_or(address))];
    }
    let mut sockets: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    if let Some(runtime_dir) = runtime_dir.filter(|runtime_dir| !runtime_dir.as_os_str().is_empty()) {
        sockets.extend(rootless_namespace(runtime_dir));
        sockets.push(runtime_dir.join("containerd/containerd.sock"));
        sockets.push(runtime_dir.join("docker/containerd/containerd.sock"));
    }
    sockets
}

/// The socket of a rootless containerd, seen from outside of its mount namespace.
fn rootless_namespace(runtime_dir: &Path) -> Option<PathBuf> {
    let process = fs_err::read_to_string(runtime_dir.join("containerd-rootless/child_pid")).ok()?;
    let process: u32 = process.trim().parse().ok()?;
    Some(PathBuf::from(format!("/proc/{process}/root/run/containerd/containerd.sock")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(address: Option<&str>, runtime_dir: Option<&Path>) -> Vec<String> {
        sockets(address, runtime_dir).iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn an_address_is_the_only_place() {
        let folder = tempfile::tempdir().unwrap();
        for (address, path) in [
            ("/x/containerd.sock", "/x/containerd.sock"),
            ("unix:///x/containerd.sock", "/x/containerd.sock"),
            ("containerd.sock", "containerd.sock"),
        ] {
            assert_eq!(found(Some(address), Some(folder.path())), [path]);
        }
    }

    #[test]
    fn without_one_there_are_the_usual_places() {
        assert_eq!(found(None, None), SYSTEM);
        assert_eq!(found(Some(""), Some(Path::new(""))), SYSTEM);
        let folder = tempfile::tempdir().unwrap();
        let below = |path: &str| folder.path().join(path).display().to_string();
        let rootless = [below("containerd/containerd.sock"), below("docker/containerd/containerd.sock")];
        assert_eq!(found(None, Some(folder.path()))[4..], rootless);

        fs_err::create_dir(folder.path().join("containerd-rootless")).unwrap();
        for (text, process) in [("4711\n", Some("4711")), ("../..", None), ("", None), ("-1", None)] {
            fs_err::write(folder.path().join("containerd-rootless/child_pid"), text).unwrap();
            let socket =
                process.map(|process| format!("/proc/{process}/root/run/containerd/containerd.sock"));
            let expected: Vec<String> = socket.into_iter().chain(rootless.clone()).collect();
            assert_eq!(found(None, Some(folder.path()))[4..], expected, "{text:?}");
        }
    }
}
