//! Where the events are in a reply of Redis: in the answer to a read, or in a push of the channel.

use std::ops::Range;

use crate::redis::RedisError;
use crate::resp::{Token, Tokens};

/// The field of an entry that holds its event.
const FIELD: u8 = b'e';

/// Finds every event in a reply. How many entries it holds and the id of the last one; no number when the reply is a push:
/// a message of the channel has no id.
pub(super) fn read_reply<'a>(
    reply: &'a [u8],
    events: &mut Vec<Range<usize>>,
) -> Result<(Option<usize>, Option<&'a [u8]>), RedisError> {
    let mut tokens = Tokens::of(reply);
    events.clear();
    match tokens.token()? {
        Token::Push(_) => {
            if let (Token::Bulk(b"message"), _, Token::Bulk(event)) =
                (tokens.token()?, tokens.token()?, tokens.token()?)
            {
                events.push(just_taken(&tokens, event));
            }
            Ok((None, None))
        }
        Token::Error(error) => Err(RedisError::Refused { command: "XREAD", error: error.to_owned() }),
        Token::Null => Ok((Some(0), None)),
        // {stream: [[id, [field, value, …]], …]}
        _ => {
            tokens.bulk()?;
            let (entries, mut last_id) = (tokens.list()?, None);
            for _ in 0..entries {
                if let Some(entry) = tokens.fast_entry() {
                    last_id = Some(entry.id);
                    let event = (entry.field == FIELD).then(|| just_taken(&tokens, entry.value));
                    events.push(event.unwrap_or_default());
                    continue;
                }
                tokens.list()?;
                last_id = Some(tokens.bulk()?);
                events.push(event_of_fields(&mut tokens)?);
            }
            Ok((Some(entries), last_id))
        }
    }
}

/// The value of the field that holds the event. An entry without it is as malformed as an empty message.
fn event_of_fields(tokens: &mut Tokens<'_>) -> Result<Range<usize>, RedisError> {
    let mut event = None;
    for _ in 0..tokens.list()? / 2 {
        let (name, value) = (tokens.bulk()?, tokens.bulk()?);
        if name == [FIELD] {
            event.get_or_insert_with(|| just_taken(tokens, value));
        }
    }
    Ok(event.unwrap_or_default())
}

/// Where the bytes stand that were taken last; a line ending is behind them.
fn just_taken(tokens: &Tokens<'_>, bytes: &[u8]) -> Range<usize> {
    let end = tokens.taken() - 2;
    end - bytes.len()..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reply: &[u8]) -> (Option<usize>, Option<&str>, Vec<&str>) {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        let mut events = Vec::new();
        let (entries, last_id) = read_reply(reply, &mut events).unwrap();
        (entries, last_id.map(text), events.into_iter().map(|event| text(&reply[event])).collect())
    }

    #[test]
    fn entries_are_read_in_order_with_the_last_ones_id() {
        let reply = b"%1\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$1\r\ne\r\n$1\r\na\r\n\
            *2\r\n$3\r\n5-1\r\n*4\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\ne\r\n$1\r\nb\r\n";
        assert_eq!(read(reply), (Some(2), Some("5-1"), vec!["a", "b"]));
    }

    #[test]
    fn an_entry_without_an_event_is_an_empty_message() {
        let reply = b"%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$1\r\nx\r\n$1\r\na\r\n";
        assert_eq!(read(reply), (Some(1), Some("5-0"), vec![""]));
    }

    #[test]
    fn messages_of_the_channel_are_events_and_other_pushes_are_not() {
        assert_eq!(read(b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\na\r\n"), (None, None, vec!["a"]));
        assert_eq!(read(b">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"), (None, None, vec![]));
        assert_eq!(read(b"_\r\n"), (Some(0), None, vec![]));
    }

    #[test]
    fn what_is_no_answer_to_a_read_is_an_error() {
        for reply in [&b"-NOPERM no\r\n"[..], b"%1\r\n$1\r\ns\r\n:1\r\n", b"%1\r\n$1\r\ns\r\n*1\r\n_\r\n"] {
            assert!(read_reply(reply, &mut Vec::new()).is_err());
        }
    }
}
