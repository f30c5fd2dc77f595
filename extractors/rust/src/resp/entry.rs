//! An entry of a stream as nearly all are: one field, whose name is one byte. It is five tokens, taken at one go.

use super::short_head;

/// `[id, [field, value]]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its id.
    pub id: &'a [u8],
    /// The only field's name.
    pub field: u8,
    /// And its value.
    pub value: &'a [u8],
}

/// The entry that these bytes begin with and how many bytes it takes; none when it is another one, or not all there yet.
pub(super) fn fast_entry(bytes: &[u8]) -> Option<(Entry<'_>, usize)> {
    let (id, rest) = bulk(bytes.strip_prefix(b"*2\r\n")?)?;
    let (field, rest) = rest.strip_prefix(b"\r\n*2\r\n$1\r\n")?.split_first()?;
    let (value, rest) = bulk(rest.strip_prefix(b"\r\n")?)?;
    let rest = rest.strip_prefix(b"\r\n")?;
    Some((Entry { id, field: *field, value }, bytes.len() - rest.len()))
}

/// A string, and what stands behind it: a line ending, it is to be hoped.
fn bulk(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match short_head(bytes)? {
        (b'$', length, taken) => bytes[taken..].split_at_checked(length),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: &[u8] = b"*2\r\n$3\r\n5-0\r\n*2\r\n$1\r\ne\r\n$4\r\na\r\nb\r\n";

    #[test]
    fn an_entry_is_found_whatever_comes_behind_it() {
        let entry = Entry { id: b"5-0", field: b'e', value: b"a\r\nb" };
        assert_eq!(fast_entry(FAST), Some((entry, FAST.len())));
        assert_eq!(fast_entry(&[FAST, b"*2\r\n"].concat()), Some((entry, FAST.len())));
    }

    #[test]
    fn an_entry_cut_short_is_not_there_yet() {
        for end in 0..FAST.len() {
            assert_eq!(fast_entry(&FAST[..end]), None);
        }
    }

    #[test]
    fn another_shape_is_none_of_these() {
        for other in [
            &b"*2\r\n$3\r\n5-0\r\n*4\r\n$1\r\ne\r\n$1\r\na\r\n$1\r\nx\r\n$1\r\ny\r\n"[..],
            b"*2\r\n$3\r\n5-0\r\n*2\r\n$2\r\nee\r\n$1\r\na\r\n",
            b"*2\r\n$3\r\n5-0\r\n*2\r\n$1\r\ne\r\n:1\r\n",
            b"*2\r\n$2\r\n5-0\r\n*2\r\n$1\r\ne\r\n$1\r\na\r\n",
            b"*2\r\n$3\r\n5-0\r\n_\r\n",
            b"*2\r\n:5\r\n*2\r\n$1\r\ne\r\n$1\r\na\r\n",
        ] {
            assert_eq!(fast_entry(other), None, "{}", other.escape_ascii());
        }
    }
}
