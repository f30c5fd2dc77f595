use super::*;
use proptest::prelude::*;

fn whole(bytes: &[u8]) -> Frame<'_> {
    let (frame, length) = parse(bytes).unwrap().unwrap();
    assert_eq!(length, bytes.len());
    frame
}

#[test]
fn every_type_is_known() {
    assert_eq!(whole(b"+OK\r\n"), Frame::Simple("OK"));
    assert_eq!(whole(b"-NOPERM no\r\n"), Frame::Error("NOPERM no"));
    assert_eq!(whole(b"!6\r\nOOM no\r\n"), Frame::Error("OOM no"));
    let unknown = b"-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'u' 'sesame' \r\n";
    assert_eq!(whole(unknown), Frame::Error("ERR unknown command 'HELLO'"));
    assert_eq!(whole(b":-5\r\n"), Frame::Integer(-5));
    assert_eq!(whole(b"#t\r\n"), Frame::Integer(1));
    assert_eq!(whole(b",1.5\r\n"), Frame::Simple("1.5"));
    assert_eq!(whole(b"$4\r\na\r\nb\r\n"), Frame::Bulk(b"a\r\nb"));
    assert_eq!(whole(b"=5\r\ntxt:a\r\n"), Frame::Bulk(b"txt:a"));
    for null in [&b"_\r\n"[..], b"$-1\r\n", b"*-1\r\n"] {
        assert_eq!(whole(null), Frame::Null);
    }
    assert_eq!(whole(b"*2\r\n:1\r\n~0\r\n"), Frame::Array(vec![Frame::Integer(1), Frame::Array(vec![])]));
    assert_eq!(whole(b"%1\r\n$1\r\na\r\n:1\r\n"), Frame::Map(vec![Frame::Bulk(b"a"), Frame::Integer(1)]));
    assert_eq!(whole(b">1\r\n+x\r\n"), Frame::Push(vec![Frame::Simple("x")]));
    assert_eq!(whole(b"|1\r\n+ttl\r\n:3\r\n+OK\r\n"), Frame::Simple("OK"));
}

#[test]
fn nonsense_is_refused() {
    for bytes in
        [&b"HTTP/1.1 400 Bad Request\r\n"[..], b":x\r\n", b"$3\r\nabcd\r\n", b"+a\n", b"\r\n", b"*-2\r\n"]
    {
        assert_eq!(parse(bytes), Err(ProtocolError), "{bytes:?}");
    }
    assert_eq!(parse(&b"*1\r\n".repeat(9)), Err(ProtocolError));
    assert_eq!(parse(b"$99999999999\r\n"), Err(ProtocolError));
}

#[test]
fn commands_are_arrays_of_bulks() {
    let mut out = Vec::new();
    write_command(&mut out, &[b"PUBLISH", b"a", b"\xff\r\n"]);
    assert_eq!(out, b"*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$3\r\n\xff\r\n\r\n");
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        "[ -~]{0,8}".prop_map(|text| format!("+{text}\r\n").into_bytes()),
        any::<i64>().prop_map(|number| format!(":{number}\r\n").into_bytes()),
        prop::collection::vec(any::<u8>(), 0..20)
            .prop_map(|bytes| { [format!("${}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat() }),
        Just(b"|1\r\n+ttl\r\n*1\r\n:3\r\n+OK\r\n".to_vec()),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop::collection::vec(inner, 0..4)
            .prop_map(|items| [format!("*{}\r\n", items.len()).as_bytes(), &items.concat()].concat())
    })
}

proptest! {
    #[test]
    fn a_frame_in_pieces_is_waited_for(bytes in any_frame()) {
        let mut scan = Scan::new();
        for end in 0..bytes.len() {
            prop_assert_eq!(parse(&bytes[..end]), Ok(None));
            prop_assert_eq!(scan.length(&bytes[..end]), Ok(None));
        }
        prop_assert_eq!(parse(&bytes).unwrap().unwrap().1, bytes.len());
        prop_assert_eq!(scan.length(&[&bytes[..], b"+OK"].concat()), Ok(Some(bytes.len())));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(parse(&bytes).map(|frame| frame.map(|(_, length)| length)), Scan::new().length(&bytes));
    }
}

#[test]
fn a_scan_knows_how_long_the_list_is_and_its_last_entry_if_that_is_plain() {
    let entry = |n: usize| format!("*2\r\n$3\r\n{n:03}\r\n*2\r\n$1\r\ne\r\n$1\r\na\r\n");
    let reply =
        |entries: String, count: usize| format!("%1\r\n$1\r\ns\r\n*{count}\r\n{entries}").into_bytes();
    let plain = reply((0..40).map(entry).collect(), 40);
    for pieces in [1, 7, 20] {
        let mut scan = Scan::new();
        let ends = (1..pieces).map(|n| plain.len() * n / pieces);
        assert!(ends.into_iter().all(|end| scan.length(&plain[..end]) == Ok(None)));
        assert_eq!(scan.length(&plain), Ok(Some(plain.len())));
        assert_eq!(scan.last_entry(&plain), Some((40, &b"039"[..])), "{pieces} pieces");
    }
    let mut scan = Scan::new();
    assert_eq!(scan.length(&plain[..plain.len() - 1]), Ok(None));
    assert_eq!(
        (scan.length(&plain), scan.last_entry(&plain)),
        (Ok(Some(plain.len())), None),
        "in two pieces"
    );
    let with_another = "*2\r\n$3\r\n040\r\n*4\r\n$1\r\ne\r\n$1\r\na\r\n$1\r\nx\r\n$1\r\ny\r\n";
    let other = reply((0..40).map(entry).chain([with_another.to_owned()]).collect(), 41);
    let mut scan = Scan::new();
    assert_eq!(scan.length(&other), Ok(Some(other.len())));
    assert_eq!(scan.last_entry(&other), None);
    for reply in [&b"_\r\n"[..], b"-ERR no\r\n", b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\na\r\n"] {
        let mut scan = Scan::new();
        assert_eq!((scan.length(reply), scan.last_entry(reply)), (Ok(Some(reply.len())), None));
    }
}
