//! Any files in the spool's folder: what is whole is sent in order, the rest is left alone, and the spool goes on
//! working. The input is parted by 00 01; the first byte of a part says what it is (as in tests/fuzz/python_targets.py).

#![no_main]

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use seclyzer_extractors::spool::Spool;
use seclyzer_extractors::spool::disk::System;

const LARGEST: u64 = 1 << 20;
/// Nothing has to make room: the large files are as many as the input says.
const CAP: u64 = 1 << 40;
const MORE: [&str; 2] = ["m f=1 1", "m f=2 2"];

/// What was left in the folder.
#[derive(Default)]
struct Left {
    lines: Vec<Vec<u8>>,
    alone: Vec<PathBuf>,
    last_number: u64,
}

fuzz_target!(|data: &[u8]| {
    let state_dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let folder = state_dir.path().join("spool");
    fs::create_dir(&folder).unwrap();
    let mut left = Left::default();
    for part in parts(data) {
        place(&folder, part, &mut left);
    }
    left.alone.sort();

    let mut spool = Spool::new(System, state_dir.path(), CAP);
    spool.find().unwrap();
    assert_eq!(drained(&mut spool), left.lines);
    assert_eq!(files(&folder), left.alone);
    let more: &[&str] = if left.last_number < u64::MAX { &MORE } else { &[] };
    assert_eq!(spool.append(&MORE).lines, more.len());
    assert_eq!(drained(&mut spool), more.iter().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>());
    assert_eq!(files(&folder), left.alone);
});

fn parts(data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(2).position(|pair| pair == [0, 1]) {
        parts.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    parts.push(rest);
    parts
}

fn place(folder: &Path, part: &[u8], left: &mut Left) {
    let (choice, content) = part.split_first().unwrap_or((&0, &[]));
    let sort = if *choice == 255 { 0 } else { choice % 10 };
    left.last_number = if *choice == 255 { u64::MAX } else { left.last_number.saturating_add(1) };
    let path = folder.join(match sort {
        5 => format!("{:020}.lp", 0),
        6 => "notes.lp".to_owned(),
        _ => format!("{:020}.lp", left.last_number),
    });
    if path.symlink_metadata().is_ok() {
        return;
    }
    match sort {
        7 => std::os::unix::fs::symlink("/etc/hostname", &path).unwrap(),
        8 => fs::create_dir(&path).unwrap(),
        _ => fs::write(&path, content).unwrap(),
    }
    if sort == 9 {
        let file: File = OpenOptions::new().append(true).open(&path).unwrap();
        file.set_len(LARGEST + 1).unwrap();
    }
    if sort >= 5 {
        left.alone.push(path);
    } else if let Some(end) = content.iter().rposition(|byte| *byte == b'\n') {
        let lines = content[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        left.lines.extend(lines.map(<[u8]>::to_vec));
    }
}

/// All that is sent: a short segment line by line, as when parts of it are refused.
fn drained(spool: &mut Spool<System>) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    while let Some(load) = spool.oldest() {
        let lines = load.lines();
        assert!(!lines.is_empty() && lines.iter().all(|line| !line.is_empty()));
        let settled = if lines.len() <= 3 { 1 } else { lines.len() };
        sent.extend(lines[..settled].iter().map(|line| line.to_vec()));
        spool.settle(&load, settled);
    }
    assert!(spool.is_empty());
    sent
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
