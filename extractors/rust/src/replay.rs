//! Replay: events as JSON lines in, what would be published as JSON lines out. It knows no clock and no network.

use std::io::{self, BufRead, Write};

use crate::core::Moment;
use crate::event::strip_line_ending;
use crate::operators::Extractor;
use crate::output::{Record, Writer, patterns_json};

/// Reads `input` to its end, which closes what is open. Empty lines are passed over, uncounted.
///
/// # Errors
/// When the input cannot be read or the output not be written.
pub fn run(
    core: &mut Extractor,
    writer: &Writer,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut records = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if !strip_line_ending(&line).is_empty() {
            core.message(&line, Moment::default(), &mut records);
            write_all(core, writer, &mut records, output)?;
        }
    }
    core.finish(&mut records);
    write_all(core, writer, &mut records, output)?;
    if let Some(apps) = core.apps() {
        let patterns = apps.patterns();
        writeln!(output, "{}", patterns_json(&patterns.report(apps.dev_mode()), patterns.taken_ts))?;
    }
    output.flush()
}

fn write_all(
    core: &mut Extractor,
    writer: &Writer,
    records: &mut Vec<Record>,
    output: &mut dyn Write,
) -> io::Result<()> {
    for record in records.drain(..) {
        core.came_out(record.ts);
        writeln!(output, "{}", writer.json(&record))?;
    }
    Ok(())
}
