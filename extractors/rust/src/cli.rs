//! The command line: the same for all three programs, in both implementations.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::config::layers::names;
use crate::config::settings::{FileOf, SETTINGS, Setting};
use crate::config::{Config, ConfigError, reason};
use crate::operators::Extractor;
use crate::output::Writer;
use crate::schema::{Kind, Schema};
use crate::{IMPLEMENTATION, VERSION, check, replay, service};

/// A mistake in the configuration (`EX_CONFIG`): the unit does not restart on it.
const EXIT_CONFIG: u8 = 78;
const EXIT_FAILURE: u8 = 1;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help,
    Version,
    PrintConfig,
    Check,
    Replay {
        from: String,
        stats: bool,
    },
    /// For so many seconds; 0 is without a limit.
    Shadow {
        seconds: u32,
        stats: bool,
    },
    Serve,
}

/// The command line, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    command: Command,
    config_file: Option<PathBuf>,
    settings: Vec<(&'static str, String)>,
}

/// Runs one program with the process's arguments and environment.
pub fn main(kind: Kind) -> ExitCode {
    let done = arguments(std::env::args_os().skip(1)).and_then(|arguments| {
        let environment = environment(std::env::vars_os())?;
        run(kind, &arguments, &environment)
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}: configuration: {error}", kind.program());
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

fn arguments(given: impl Iterator<Item = OsString>) -> Result<Vec<String>, ConfigError> {
    given.map(|text| text.into_string().map_err(|_| ConfigError::NoText("the command line"))).collect()
}

/// The variables that are text; one of ours must be.
fn environment(
    given: impl Iterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut environment = BTreeMap::new();
    for (key, value) in given {
        match (key.into_string(), value.into_string()) {
            (Ok(key), Ok(value)) => _ = environment.insert(key, value),
            (Ok(key), Err(_)) => {
                if let Some((_, variable)) = names().find(|(_, variable)| *variable == key) {
                    return Err(ConfigError::NoText(variable));
                }
            }
            (Err(_), _) => {}
        }
    }
    Ok(environment)
}

fn run(
    kind: Kind,
    arguments: &[String],
    environment: &BTreeMap<String, String>,
) -> Result<ExitCode, ConfigError> {
    let Arguments { command, config_file, settings } = parse(arguments)?;
    let config = || Config::new(kind, config_file.as_deref(), environment, &settings);
    match command {
        Command::Help => Ok(printed(kind, &help(kind))),
        Command::Version => Ok(printed(kind, &format!("{} {VERSION} ({IMPLEMENTATION})\n", kind.program()))),
        Command::PrintConfig => Ok(printed(kind, &config()?.print())),
        Command::Replay { from, stats } => replay_file(kind, &config()?, &from, stats),
        Command::Check => {
            let config = config()?;
            config.check_files()?;
            Ok(match check::run(&config, &mut io::stdout()) {
                Ok(false) => ExitCode::from(EXIT_FAILURE),
                done => status(kind.program(), done.map(|_| ())),
            })
        }
        Command::Shadow { seconds, stats } => {
            let config = config()?;
            let limit = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
            let writer = Writer::new(kind, Schema::of(kind));
            let done = service::shadow(kind, &config, writer, limit, &mut io::stdout());
            if let Ok(counters) = done.as_ref()
                && stats
            {
                eprintln!("{counters}");
            }
            Ok(status(kind.program(), done.map(|_| ())))
        }
        Command::Serve => {
            let config = config()?;
            config.check_files()?;
            let writer = Writer::new(kind, Schema::of(kind));
            Ok(status(kind.program(), service::run(kind, &config, writer)))
        }
    }
}

fn printed(kind: Kind, text: &str) -> ExitCode {
    status(kind.program(), io::stdout().write_all(text.as_bytes()))
}

/// A reader of our output that has seen enough is no failure worth a word.
fn status(who: &str, result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if error.kind() != io::ErrorKind::BrokenPipe {
                eprintln!("{who}: {}", reason(&error));
            }
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

fn replay_file(kind: Kind, config: &Config, from: &str, stats: bool) -> Result<ExitCode, ConfigError> {
    let who = format!("{}: {from}", kind.program());
    let mut input: Box<dyn BufRead> = if from == "-" {
        Box::new(io::stdin().lock())
    } else {
        match File::open(from) {
            Ok(file) => Box::new(BufReader::with_capacity(1 << 16, file)),
            Err(error) => return Ok(status(&who, Err(error))),
        }
    };
    let mut output = BufWriter::new(io::stdout().lock());
    let mut core = Extractor::new(kind, config.core);
    let writer = Writer::new(kind, Schema::of(kind));
    let done = replay::run(&mut core, &writer, &mut input, &mut output);
    if stats && done.is_ok() {
        eprintln!("{}", core.counters().json());
    }
    Ok(status(&who, done))
}

fn parse(arguments: &[String]) -> Result<Arguments, ConfigError> {
    let (mut asked, mut replay, mut shadow, mut stats, mut config_file) =
        (Vec::new(), None, None, false, None);
    let mut settings = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument.as_str(), None),
        };
        let simple = match name {
            "--help" | "-h" => Some(Command::Help),
            "--version" => Some(Command::Version),
            "--print-config" => Some(Command::PrintConfig),
            "--check" => Some(Command::Check),
            _ => None,
        };
        let setting = SETTINGS.iter().find(|setting| setting.flag == Some(name));
        let is_flag = setting.is_some_and(|setting| setting.metavar.is_none());
        let takes_no_value = simple.is_some() || name == "--stats" || is_flag;
        if takes_no_value && inline.is_some() {
            return Err(ConfigError::Usage(format!("{name} takes no value")));
        }
        let mut value = || {
            let value = inline.map(str::to_owned).or_else(|| rest.next().cloned());
            value.ok_or_else(|| ConfigError::Usage(format!("{name} needs a value")))
        };
        match name {
            _ if simple.is_some() => asked.extend(simple),
            "--stats" => stats = true,
            "--config" => config_file = Some(value()?.into()),
            "--replay" => replay = Some(value()?),
            "--shadow" => shadow = Some(seconds(&value()?)?),
            _ => match setting {
                Some(setting) if is_flag => settings.push((setting.key, "true".to_owned())),
                Some(setting) => settings.push((setting.key, value()?)),
                None => return Err(ConfigError::Usage(format!("unknown argument {name}"))),
            },
        }
    }
    asked.extend(replay.map(|from| Command::Replay { from, stats }));
    asked.extend(shadow.map(|seconds| Command::Shadow { seconds, stats }));
    // Help and version answer whatever else is asked.
    let first =
        asked.iter().position(|command| matches!(command, Command::Help | Command::Version)).unwrap_or(0);
    let command = if asked.is_empty() { Command::Serve } else { asked.swap_remove(first) };
    Ok(Arguments { command, config_file, settings })
}

/// At most nine digits, so that it fits any clock.
fn seconds(text: &str) -> Result<u32, ConfigError> {
    let is_number = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_number { text.parse().ok() } else { None };
    number.ok_or_else(|| ConfigError::Usage("--shadow needs a number of whole seconds".to_owned()))
}

fn help(kind: Kind) -> String {
    let mut text = format!(
        "{program}: SecLyzer's {name} events in, features out.\n\n\
         usage: {program} [options]\n\n\
         \x20 --config FILE           flat YAML; flags beat environment beats file beats defaults\n\
         \x20 --check                 check the configuration and whether Redis and InfluxDB take what is sent\n\
         \x20 --print-config          show what is in force, secrets masked\n\
         \x20 --replay FILE|-         read events as JSON lines, write features as JSON lines; no network\n\
         \x20 --shadow SECONDS        read live events beside the running program, write features as JSON lines\n\
         \x20                         and nothing to Redis; 0: until stopped\n\
         \x20 --stats                 with --replay or --shadow: the counters as JSON, last line on stderr\n\
         \x20 --version, --help\n\n\
         settings: flag, environment variable, key in the file = default\n",
        program = kind.program(),
        name = kind.name(),
    );
    for setting in &SETTINGS {
        let flag = [setting.flag, setting.metavar].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let Setting { key, variable, default, help, .. } = setting;
        text.push_str(&format!("  {flag:<22}  {variable:<31}  {key} = {}\n", default.json(kind)));
        text.push_str(&format!("      {help}\n"));
        if let Some(FileOf { key, variable }) = &setting.file {
            text.push_str(&format!("  {:<22}  {variable:<31}  {key}\n", ""));
        }
    }
    text.push_str(
        "\nSecrets are also read from $CREDENTIALS_DIRECTORY/redis_password and /influx_token; $STATE_DIRECTORY\n\
         beats state_dir of the file and the environment. Exit status: 0 done, 1 failed, 78 a mistake in the \
         configuration.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Arguments, ConfigError> {
        parse(&arguments.iter().map(|text| text.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn without_arguments_it_serves() {
        let expected = Arguments { command: Command::Serve, config_file: None, settings: vec![] };
        assert_eq!(parsed(&[]).unwrap(), expected);
    }

    #[test]
    fn values_stand_behind_a_blank_or_an_equals_sign() {
        let arguments =
            parsed(&["--config", "a.yaml", "--window=7", "--dev-mode", "--replay", "-", "--stats"]).unwrap();
        assert_eq!(arguments.command, Command::Replay { from: "-".into(), stats: true });
        assert_eq!(arguments.config_file, Some("a.yaml".into()));
        assert_eq!(arguments.settings, [("window_seconds", "7".into()), ("dev_mode", "true".into())]);
    }

    #[test]
    fn mistakes_are_named() {
        for (arguments, name) in [
            (&["--windw", "3"][..], "--windw"),
            (&["--window"], "--window"),
            (&["--stats=yes"], "--stats"),
            (&["file"], "file"),
        ] {
            assert!(parsed(arguments).unwrap_err().to_string().contains(name));
        }
    }

    #[test]
    fn what_is_no_text_is_named() {
        let damaged = || OsString::from_vec(b"a\xff".to_vec());
        let error = arguments([OsString::from("--host"), damaged()].into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "the command line is not UTF-8");
        let variable = |key: &str| [(OsString::from(key), damaged())].into_iter();
        let error = environment(variable("REDIS_PASSWORD_FILE")).unwrap_err();
        assert_eq!(error.to_string(), "REDIS_PASSWORD_FILE is not UTF-8");
        assert_eq!(environment(variable("LS_COLORS")).unwrap(), BTreeMap::new());
    }

    #[test]
    fn a_mistake_is_one_line() {
        let (kind, nothing) = (Kind::Mouse, BTreeMap::new());
        for arguments in [&["--a\nb"][..], &["--config=/no\nsuch"], &["--window=\n\u{7f}"], &["--host="]] {
            let arguments: Vec<String> = arguments.iter().map(|text| text.to_string()).collect();
            let error = run(kind, &arguments, &nothing).err().unwrap().to_string();
            assert!(!error.chars().any(|c| c.is_ascii_control()), "{error:?}");
        }
    }

    #[test]
    fn help_wins_and_names_every_setting() {
        assert_eq!(parsed(&["--check", "--help"]).unwrap().command, Command::Help);
        let help = help(Kind::Mouse);
        assert!(SETTINGS.iter().all(|setting| help.contains(setting.variable) && help.contains(setting.key)));
    }
}
