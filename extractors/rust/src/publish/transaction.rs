//! A transaction: what outputs become in Redis, together with the cursor.

use std::time::Instant;

use crate::resp::write_command;
use crate::schema::state_version;

/// How many texts the list keeps.
const LIST_LENGTH: &[u8] = b"999";
/// The patterns of applications.
const PATTERNS_KEY: &[u8] = b"seclyzer:app:patterns";
/// The counts to go on from after a restart.
pub const STATE_KEY: &str = "seclyzer:app:state";

/// What every move of the cursor writes with it: field and value of the version of its form.
pub const CURSOR_VERSION: [&[u8]; 2] = [b"version", state_version::CURSOR_TEXT.as_bytes()];

/// For what stands around a text that is put out: more than is needed.
const ROOM_OF_COMMANDS: usize = 256;

/// One window's or transition's JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// As it is published.
    pub json: String,
    /// When the window closed.
    pub closed_at: Instant,
}

/// What goes into one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Published and pushed on the list.
    pub texts: Vec<Text>,
    /// What the cursor `published` becomes.
    pub published: Option<i64>,
    /// What the application tracker's state becomes.
    pub state: Option<String>,
    /// What its patterns become.
    pub patterns: Option<String>,
}

/// The commands of a transaction behind `MULTI`, and the names of those before `EXEC`. The cursor and the state become
/// what they are in the last output.
pub(super) fn commands(channel: &str, cursor_key: &str, outputs: &[Output]) -> (Vec<u8>, Vec<&'static str>) {
    let (channel, mut names) = (channel.as_bytes(), Vec::new());
    let bytes: usize = outputs
        .iter()
        .flat_map(|output| &output.texts)
        .map(|text| 2 * text.json.len() + ROOM_OF_COMMANDS)
        .sum();
    let mut request = Vec::with_capacity(bytes + ROOM_OF_COMMANDS);
    let last = outputs.last();
    let published = last.and_then(|last| last.published).map(|ts| ts.to_string());
    let mut add = |name: &'static str, arguments: &[&[u8]]| {
        write_command(&mut request, &[&[name.as_bytes()], arguments].concat());
        names.push(name);
    };
    let mut texts = outputs.iter().flat_map(|output| &output.texts).peekable();
    let puts_out = texts.peek().is_some();
    for text in texts {
        add("PUBLISH", &[channel, text.json.as_bytes()]);
        add("LPUSH", &[channel, text.json.as_bytes()]);
    }
    if puts_out {
        add("LTRIM", &[channel, b"0", LIST_LENGTH]);
    }
    if let Some(published) = &published {
        let [name, version] = CURSOR_VERSION;
        add("HSET", &[cursor_key.as_bytes(), b"published", published.as_bytes(), name, version]);
    }
    if let Some(state) = last.and_then(|last| last.state.as_ref()) {
        add("SET", &[STATE_KEY.as_bytes(), state.as_bytes()]);
    }
    if let Some(patterns) = last.and_then(|last| last.patterns.as_ref()) {
        add("SET", &[PATTERNS_KEY, patterns.as_bytes()]);
    }
    write_command(&mut request, &[b"EXEC"]);
    (request, names)
}
