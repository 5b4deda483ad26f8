use super::line::{escape, mode};
use super::*;

fn attributes(xattr: Option<&[u8]>) -> Arc<Attributes> {
    let mut attributes = Attributes::with_mode(0o644);
    attributes.uname = "root".to_owned();
    attributes.pax_records.insert("LIBARCHIVE.other".to_owned(), b"no attribute".to_vec());
    if let Some(value) = xattr {
        attributes.pax_records.insert("SCHILY.xattr.user.note".to_owned(), value.to_vec());
    }
    Arc::new(attributes)
}

fn entry(path: &str, kind: Kind) -> Entry {
    Entry { path: path.as_bytes().into(), kind, attributes: attributes(None) }
}

fn file(path: &str, content: usize) -> Entry {
    entry(path, Kind::File { size: Some(5), digest: None, content })
}

fn directory(path: &str) -> Entry {
    entry(path, Kind::Directory)
}

fn symlink(path: &str, target: &str) -> Entry {
    entry(path, Kind::Symlink { target: target.as_bytes().into() })
}

fn render(entries: Vec<Entry>, prefix: &str, keywords: &str, layout: ListingLayout) -> Vec<String> {
    let style = ListingStyle { prefix: prefix.to_owned(), keywords: keywords.parse().unwrap(), layout };
    let text = Listing::new(entries).render(&style);
    let (first, rest) = text.split_once('\n').unwrap();
    assert_eq!(first, "#mtree v2.0");
    rest.lines().map(str::to_owned).collect()
}

#[test]
fn escapes_what_a_reader_would_take_apart() {
    let mut out = String::new();
    escape("a b/ü#\\*x".as_bytes(), &mut out);
    assert_eq!(out, r"a\040b/\303\274\043\134\052x");
}

#[test]
fn lists_modes_as_they_are() {
    assert_eq!((mode(0o755), mode(0), mode(0o4755)), ("0755".into(), "0".into(), "04755".into()));
}

#[test]
fn says_what_was_asked_for_in_that_order() {
    let entries = || vec![directory(""), directory("b"), symlink("b/l", "../c"), file("c", 0)];
    assert_eq!(
        render(entries(), "./", "nlink,type,uname,size", ListingLayout::Tar),
        [
            ". type=dir uname=root",
            "./b type=dir uname=root",
            "./b/l type=link uname=root size=4",
            "./c nlink=1 type=file uname=root size=5",
        ]
    );
    assert_eq!(render(entries(), "", "link", ListingLayout::Tar), [".", "b/", "b/l link=../c", "c"]);
    assert_eq!(render(entries(), "", "", ListingLayout::Tar), [".", "b/", "b/l", "c"]);
}

#[test]
fn shows_extended_attributes_in_base64() {
    let kind = Kind::File { size: Some(0), digest: None, content: 0 };
    let entries =
        vec![Entry { path: b"a".as_slice().into(), kind, attributes: attributes(Some(b"\0\xff=")) }];
    assert_eq!(
        render(entries, "./", "xattr,mode", ListingLayout::Tar),
        ["./a xattr.user.note=AP89 mode=0644"]
    );
}

#[test]
fn a_changeset_is_what_is_there_afterwards() {
    let entries = vec![
        file("usr/lib/b", 0),
        file("usr/lib/.wh.old", 1),
        file("usr/.wh..wh..opq", 2),
        directory("usr/lib"),
        file("usr/lib/a", 0),
        file("opt/app/x", 3),
        file("opt/app-2", 4),
        symlink("opt/app", "app-2"),
        file("etc", 5),
        file("etc/conf", 6),
    ];
    assert_eq!(
        render(entries, "./", "type,nlink", ListingLayout::Changeset),
        [
            "./etc type=dir",
            "./etc/conf type=file nlink=1",
            "./opt type=dir",
            "./opt/app type=link",
            "./opt/app-2 type=file nlink=1",
            "./usr type=dir",
            "./usr/lib type=dir",
            "./usr/lib/a type=file nlink=2",
            "./usr/lib/b type=file nlink=2",
        ]
    );
}

#[test]
fn a_changeset_has_no_more_names_than_files() {
    let entries = vec![file("a", 0), file("b", 0), symlink("b", "a")];
    assert_eq!(
        render(entries, "", "nlink,mode", ListingLayout::Changeset),
        ["a nlink=1 mode=0644", "b mode=0644"]
    );
}

#[test]
fn a_folder_that_nobody_named_has_nothing_but_its_type() {
    let entries = || vec![file("a/b", 0)];
    assert_eq!(
        render(entries(), "", "mode,type", ListingLayout::Changeset),
        ["a/ type=dir", "a/b mode=0644 type=file"]
    );
    assert_eq!(render(entries(), "", "mode", ListingLayout::Changeset), ["a/", "a/b mode=0644"]);
}

#[test]
fn reads_styles() {
    let all = "type,size,mode,uid,uname,gid,gname,sha256,time,link,nlink";
    assert_eq!(all.parse::<Keywords>().unwrap(), Keywords::default());
    assert_eq!(" size , type,".parse::<Keywords>().unwrap(), "size,type".parse::<Keywords>().unwrap());
    for (text, message) in [
        ("type,sha1", "unknown keyword `sha1`; expected some of `type`, `size`"),
        ("type,type", "the keyword `type` is given twice"),
    ] {
        let error = text.parse::<Keywords>().unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let error = "zip".parse::<ListingLayout>().unwrap_err().to_string();
    assert_eq!(error, "unknown layout `zip`; expected `tar` or `oci_layer_filesystem_applied_changeset`");
}
