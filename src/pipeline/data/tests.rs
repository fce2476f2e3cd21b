#![expect(clippy::disallowed_methods, reason = "tests lay out files for the module under test")]

use super::*;

fn file(id: i64, folder: &Path, name: &str) -> (PathBuf, DataFile) {
    let file = DataFile {
        enclosure: EnclosureId(id),
        show: "show".to_owned(),
        file: name.to_owned(),
        length: 3,
        error: None,
    };
    (folder.join(name), file)
}

#[test]
fn a_file_that_is_gone_or_has_another_length_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let files = [file(1, folder.path(), "a"), file(2, folder.path(), "b"), file(3, folder.path(), "c")];
    std::fs::write(&files[0].0, "abc").unwrap();
    std::fs::write(&files[1].0, "abcd").unwrap();
    let data = look(&files);
    assert_eq!(data.fault(EnclosureId(1)), None);
    for (id, words) in [(2, "has 4 bytes where 3"), (3, "is gone")] {
        let fault = data.fault(EnclosureId(id)).unwrap();
        assert!(fault.contains(words) && fault.contains("podseed retry"), "{fault}");
    }
    assert!(data.away.is_empty() && data.complaints.is_empty());
}

#[test]
fn a_disk_that_is_not_mounted_is_said_once_and_nothing_else_follows() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    for (folder, names) in [(gone.as_path(), &["a"][..]), (&gone, &["a", "b"]), (folder.path(), &["a", "b"])]
    {
        let files: Vec<_> = (1..).zip(names).map(|(id, name)| file(id, folder, name)).collect();
        let data = look(&files);
        assert_eq!((data.away.len(), data.faults.len(), data.complaints.len()), (names.len(), 0, 1));
        assert!(data.complaints[0].contains("mounted"), "{:?}", data.complaints);
    }
}
