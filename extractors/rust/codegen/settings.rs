//! The settings from `extractors/schema/settings.json`: a table of what a person gives, and a struct of what is in force,
//! with a field for each. A setting costs a row there and its use.

use std::error::Error;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::spec::Generated;

/// What of the file is used here.
#[derive(Deserialize)]
pub struct Settings {
    settings: Vec<Setting>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    key: String,
    env: String,
    flag: Option<String>,
    metavar: Option<String>,
    r#type: Type,
    #[serde(rename = "unit")]
    _unit: Option<String>,
    #[serde(default)]
    min: i64,
    #[serde(default)]
    max: i64,
    #[serde(default)]
    choices: Vec<String>,
    default: Option<serde_json::Value>,
    default_of: Option<String>,
    #[serde(default)]
    secret: bool,
    help: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Text,
    Name,
    Token,
    Whole,
    SizeOrZero,
    Seconds,
    Flag,
    Choice,
    RedisUrl,
    InfluxUrl,
    SocketPath,
}

/// `SETTINGS`, `Values` and how they are read and shown.
pub fn settings(spec: &Settings) -> Generated {
    let mut code = String::new();
    writeln!(code, "/// All settings, in the order in which they are shown.")?;
    writeln!(code, "pub static SETTINGS: [Setting; {}] = [", spec.settings.len())?;
    for setting in &spec.settings {
        row(&mut code, setting)?;
    }
    code.push_str("];\n\n/// The value of each.\n#[derive(Clone, Debug)]\npub struct Values {\n");
    for setting in &spec.settings {
        writeln!(code, "    /// {}\n    pub {}: {},", setting.help, setting.key, setting.rust_type())?;
    }
    code.push_str(
        "}\n\nimpl Values {\n    /// Reads and checks every setting.\n    ///\n    /// # Errors\n    \
         /// The first mistake found.\n    \
         pub fn read(reader: &Reader<'_>) -> Result<Values, ConfigError> {\n        Ok(Values {\n",
    );
    for (at, setting) in spec.settings.iter().enumerate() {
        writeln!(code, "            {}: reader.{},", setting.key, setting.reading(at))?;
    }
    code.push_str(
        "        })\n    }\n\n    /// Keys, and values as YAML.\n    \
         pub fn shown(&self) -> Vec<(&'static str, String)> {\n        vec![\n",
    );
    for Setting { key, .. } in &spec.settings {
        writeln!(code, "            ({key:?}, self.{key}.shown()),")?;
    }
    code.push_str("        ]\n    }\n}\n");
    Ok(code)
}

fn row(code: &mut String, setting: &Setting) -> Result<(), Box<dyn Error>> {
    let Setting { key, env, flag, metavar, help, .. } = setting;
    let file = if setting.secret {
        format!("Some(FileOf {{ key: \"{key}_file\", variable: \"{env}_FILE\" }})")
    } else {
        "None".to_owned()
    };
    writeln!(
        code,
        "    Setting {{ key: {key:?}, variable: {env:?}, flag: {flag:?}, metavar: {metavar:?}, \
         default: {}, file: {file}, help: {help:?} }},",
        setting.default()?
    )?;
    Ok(())
}

impl Setting {
    fn default(&self) -> Generated {
        Ok(match (&self.default, &self.default_of) {
            (Some(serde_json::Value::String(text)), None) => format!("Default::Text({text:?})"),
            (Some(plain), None) => format!("Default::Plain(\"{plain}\")"),
            (None, Some(name)) => format!("default_of::{}", name.replace('.', "_").to_uppercase()),
            _ => return Err(format!("{}: either default or default_of", self.key).into()),
        })
    }

    fn rust_type(&self) -> &'static str {
        match self.r#type {
            _ if self.secret => "Option<Secret>",
            Type::Text | Type::Name | Type::Token | Type::InfluxUrl | Type::SocketPath => "String",
            Type::Whole | Type::SizeOrZero => "i64",
            Type::Seconds => "Seconds",
            Type::Flag => "bool",
            Type::Choice => "&'static str",
            Type::RedisUrl => "Address",
        }
    }

    /// The call that reads it.
    fn reading(&self, at: usize) -> String {
        let Setting { min, max, choices, .. } = self;
        let setting = format!("&SETTINGS[{at}]");
        match self.r#type {
            Type::Token if self.secret => format!("secret({setting}, Reader::token)?"),
            _ if self.secret => format!("secret({setting}, Reader::text)?"),
            Type::Text => format!("text({setting})?"),
            Type::Name => format!("name({setting})?"),
            Type::Token => format!("token({setting})?"),
            Type::Whole => format!("whole({setting}, {min}, {max})?"),
            Type::SizeOrZero => format!("size_or_zero({setting}, {min}, {max})?"),
            Type::Seconds => format!("seconds({setting})?"),
            Type::Flag => format!("flag({setting})?"),
            Type::Choice => format!("choice({setting}, &{choices:?})?"),
            Type::RedisUrl => format!("redis_url({setting})?"),
            Type::InfluxUrl => format!("influx_url({setting})?"),
            Type::SocketPath => format!("socket_path({setting})?"),
        }
    }
}
