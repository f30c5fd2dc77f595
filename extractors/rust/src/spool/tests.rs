use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::disk::System;
use super::rejected::Rejected;
use super::simulated::{Fault, Simulated};
use super::*;

const CAP: u64 = 64 << 20;

fn spool(disk: &Simulated, cap: u64) -> Spool<Simulated> {
    let mut spool = Spool::new(disk.clone(), Path::new("/state"), cap);
    spool.find().unwrap();
    spool
}

/// Lines that are so long that two of them fill a segment.
fn long_lines(count: usize) -> Vec<String> {
    let length = (128 << 10) - 1;
    (0..count).map(|i| format!("{i:04}{}", "x".repeat(length - 4))).collect()
}

fn append(spool: &mut Spool<Simulated>, lines: &[String]) -> Appended {
    spool.append(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

fn sizes(disk: &Simulated) -> Vec<(String, usize)> {
    let files = disk.files().into_iter();
    files
        .map(|(path, bytes)| (path.file_name().unwrap().to_string_lossy().into_owned(), bytes.len()))
        .collect()
}

/// Reads and settles all there is.
fn drained(spool: &mut Spool<Simulated>) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(load) = spool.oldest() {
        lines.extend(load.lines().iter().map(|line| String::from_utf8_lossy(line).into_owned()));
        spool.settle(&load, load.lines().len());
    }
    lines
}

#[test]
fn the_oldest_point_is_that_of_the_first_segment() {
    let disk = Simulated::default();
    disk.place("/state/app-state.json", b"");
    let mut held = spool(&disk, CAP);
    assert_eq!(held.oldest_ts(), 0);
    held.append(&["m a=1 11", "m a=2 22"]);
    held.append(&["m a=3 33"]);
    assert_eq!(held.oldest_ts(), 11);
    let load = held.oldest().unwrap();
    held.append(&["m a=4 44"]);
    held.settle(&load, 3);
    assert_eq!(held.oldest_ts(), 44);
    drop(held);
    disk.new_process();
    let mut again = spool(&disk, CAP);
    assert_eq!(again.oldest_ts(), 0, "it was not read yet");
    let load = again.oldest().unwrap();
    assert_eq!(again.oldest_ts(), 44);
    again.settle(&load, 1);
    assert_eq!(again.oldest_ts(), 0);
}

#[test]
fn names_bytes_and_rights_on_disk_are_those_of_the_format() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = Spool::new(System, directory.path(), CAP);
    spool.find().unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    assert_eq!(spool.append(&["a v=1 1", "b v=2 2"]).lines, 2);
    assert_eq!(spool.append(&["c v=3 3"]).lines, 1);
    let folder = directory.path().join("spool");
    let file = folder.join("00000000000000000001.lp");
    assert_eq!(fs::read(&file).unwrap(), b"a v=1 1\nb v=2 2\nc v=3 3\n");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
    assert_eq!(spool.bytes(), 24);

    let load = spool.oldest().unwrap();
    assert_eq!(load.lines(), [b"a v=1 1", b"b v=2 2", b"c v=3 3"]);
    // It is closed now: what comes next goes into another.
    assert_eq!(spool.append(&["d v=4 4"]).lines, 1);
    spool.settle(&load, 3);
    assert!(!file.exists());
    assert_eq!(fs::read(folder.join("00000000000000000002.lp")).unwrap(), b"d v=4 4\n");
}

#[test]
fn another_process_has_the_folder_for_itself() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = Spool::new(System, directory.path(), CAP);
    assert_eq!(first.append(&["a"]).lines, 1);
    let mut second = Spool::new(System, directory.path(), CAP);
    assert_eq!(second.find().unwrap_err().to_string(), "state_dir is used by another process");
    let refused = second.append(&["b"]);
    assert_eq!(
        (refused.lines, refused.error.unwrap().to_string().as_str()),
        (0, "state_dir is used by another process")
    );
    drop(first);
    second.find().unwrap();
    assert_eq!(second.oldest().unwrap().lines(), [b"a"]);
}

#[test]
fn a_segment_is_at_most_256_kib_and_numbers_rise_even_when_all_are_gone() {
    let disk = Simulated::default();
    disk.place("/state/x", b"");
    let mut spool = spool(&disk, CAP);
    assert_eq!(append(&mut spool, &long_lines(2)).lines, 2);
    assert_eq!(append(&mut spool, &long_lines(3)).lines, 3);
    let segment = |number: u64, size: usize| (format!("{number:020}.lp"), size);
    assert_eq!(sizes(&disk)[..3], [segment(1, 256 << 10), segment(2, 256 << 10), segment(3, 128 << 10)]);
    assert_eq!(drained(&mut spool), [long_lines(2), long_lines(3)].concat());
    append(&mut spool, &["z".into()]);
    assert_eq!(sizes(&disk)[0], segment(4, 2));
}

#[test]
fn a_line_longer_than_a_segment_has_one_for_itself() {
    let disk = Simulated::default();
    let mut spool = spool(&disk, CAP);
    let lines = ["a".to_owned(), "x".repeat(300 << 10), "b".to_owned()];
    assert_eq!(append(&mut spool, &lines).lines, 3);
    assert_eq!(sizes(&disk).iter().map(|(_, size)| *size).collect::<Vec<_>>(), [2, (300 << 10) + 1, 2]);
    assert_eq!(drained(&mut spool), lines);
}

#[test]
fn the_last_run_s_segments_come_first_and_are_not_appended_to() {
    let disk = Simulated::default();
    disk.place("/state/spool/00000000000000000009.lp", b"a\nb\ntorn");
    disk.place("/state/spool/00000000000000000007.lp", b"z\n");
    for other in
        ["notes.lp", "0000000000000000008.lp", "00000000000000000000.lp", "00000000000000000005.lp.bak"]
    {
        disk.place(&format!("/state/spool/{other}"), b"other\n");
    }
    let mut spool = spool(&disk, CAP);
    assert_eq!(spool.bytes(), 10);
    append(&mut spool, &["c".into()]);
    assert_eq!(disk.files()[Path::new("/state/spool/00000000000000000010.lp")], b"c\n");
    assert_eq!(drained(&mut spool), ["z", "a", "b", "c"]);
    assert_eq!(sizes(&disk).len(), 4);
}

#[test]
fn segments_without_a_whole_line_are_removed_and_not_sent() {
    let disk = Simulated::default();
    disk.place("/state/spool/00000000000000000001.lp", b"");
    disk.place("/state/spool/00000000000000000002.lp", b"torn");
    disk.place("/state/spool/00000000000000000003.lp", b"\n\n");
    let mut spool = spool(&disk, CAP);
    assert!(spool.oldest().is_none());
    assert!(disk.files().is_empty() && spool.is_empty() && spool.troubles().is_empty());
}

#[test]
fn bytes_of_any_kind_are_read_as_lines() {
    let disk = Simulated::default();
    disk.place("/state/spool/00000000000000000001.lp", b"\xff\0\n\nm v=1 1\nx");
    assert_eq!(spool(&disk, CAP).oldest().unwrap().lines(), [&b"\xff\0"[..], b"m v=1 1"]);
}

#[test]
fn a_segment_that_is_too_large_is_passed_over_and_logged_once() {
    let disk = Simulated::default();
    disk.place("/state/spool/00000000000000000001.lp", &vec![b'x'; (1 << 20) + 1]);
    disk.place("/state/spool/00000000000000000002.lp", b"a\n");
    let mut spool = spool(&disk, CAP);
    assert_eq!(drained(&mut spool), ["a"]);
    let troubles = spool.troubles();
    assert_eq!((troubles.len(), troubles[0].segment, troubles[0].failed), (1, 1, Failed::Read));
    assert_eq!(troubles[0].error.to_string(), "it is larger than 1 MiB");
    assert!(spool.is_empty() && spool.oldest().is_none() && spool.troubles().is_empty());
    assert_eq!(spool.bytes(), (1 << 20) + 1);
}

#[test]
fn what_is_settled_of_a_segment_is_not_read_again() {
    let disk = Simulated::default();
    let mut spool = spool(&disk, CAP);
    append(&mut spool, &["a", "b", "c"].map(str::to_owned));
    let load = spool.oldest().unwrap();
    spool.settle(&load, 0);
    spool.settle(&load, 1);
    let load = spool.oldest().unwrap();
    assert_eq!(load.lines(), [b"b", b"c"]);
    spool.settle(&load, 1);
    assert_eq!(drained(&mut spool), ["c"]);
    assert!(disk.files().is_empty());
}

#[test]
fn past_the_cap_the_oldest_go_and_their_lines_are_counted() {
    let disk = Simulated::default();
    let mut spool = spool(&disk, 1 << 20);
    let lines = long_lines(11);
    assert_eq!(append(&mut spool, &lines[..8]).dropped, 0);
    assert_eq!(spool.bytes(), 1 << 20);
    // One line of the oldest segment is answered already: one is lost.
    let load = spool.oldest().unwrap();
    spool.settle(&load, 1);
    assert_eq!(append(&mut spool, &lines[8..9]).dropped, 1);
    assert_eq!(append(&mut spool, &lines[9..]).dropped, 2);
    assert!(spool.bytes() <= 1 << 20);
    assert_eq!(drained(&mut spool), lines[4..]);
}

#[test]
fn a_full_disk_leaves_what_was_there_and_the_rest_is_reported() {
    let disk = Simulated::default();
    let mut spool = spool(&disk, CAP);
    append(&mut spool, &["good".into()]);
    disk.break_at(disk.calls(), Fault::Full);
    let failed = append(&mut spool, &["long enough".into(), "to be torn".into()]);
    assert_eq!((failed.lines, failed.error.unwrap().kind()), (0, io::ErrorKind::StorageFull));
    assert_eq!(disk.files()[Path::new("/state/spool/00000000000000000001.lp")], b"good\n");
    // A new segment that got nothing is not left behind.
    assert!(append(&mut spool, &["x".into()]).error.is_some());
    assert_eq!(sizes(&disk).len(), 1);
    disk.heal();
    assert_eq!(append(&mut spool, &["again".into()]).lines, 1);
    assert_eq!(drained(&mut spool), ["good", "again"]);
}

#[test]
fn a_segment_that_cannot_be_removed_is_not_sent_again() {
    let disk = Simulated::default();
    let mut spool = spool(&disk, CAP);
    append(&mut spool, &["a".into()]);
    let load = spool.oldest().unwrap();
    disk.break_at(disk.calls(), Fault::Fails(io::ErrorKind::PermissionDenied));
    spool.settle(&load, 1);
    let troubles = spool.troubles();
    assert_eq!((troubles.len(), troubles[0].failed), (1, Failed::Remove));
    let calls = disk.calls();
    assert!(spool.oldest().is_none() && spool.is_empty());
    assert_eq!((disk.calls(), spool.bytes()), (calls, 2));
}

#[test]
fn no_more_than_1_mib_of_a_file_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
    assert_eq!(System.read(&path, 1 << 20).unwrap().len(), 1 << 20);
    fs::write(&path, vec![b'x'; (1 << 20) + 1]).unwrap();
    assert_eq!(System.read(&path, 1 << 20).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn a_folder_that_was_removed_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = Spool::new(System, directory.path(), CAP);
    spool.append(&["a"]);
    assert!(spool.oldest().is_some());
    fs::remove_dir_all(directory.path().join("spool")).unwrap();
    assert!(spool.append(&["b"]).error.is_some());
    assert_eq!(spool.append(&["b"]).lines, 1);
    assert_eq!(spool.oldest().unwrap().lines(), [b"b"]);
}

#[test]
fn refused_points_are_kept_up_to_1_mib() {
    let directory = tempfile::tempdir().unwrap();
    let rejected = Rejected::new(System, directory.path());
    let path = directory.path().join("rejected.lp");
    assert!(rejected.add(&[b"a", b"\xff"]).unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"a\n\xff\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let half = vec![b'x'; 1 << 19];
    assert!(rejected.add(&[&half]).unwrap());
    assert!(!rejected.add(&[&half, b"b"]).unwrap());
    assert!(fs::read(&path).unwrap().ends_with(b"x\nb\n"));
    assert!(fs::metadata(&path).unwrap().len() <= 1 << 20);
}
