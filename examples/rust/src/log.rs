//! One line of JSON for each decision, on standard error. Nothing in it was sent by somebody unproven.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

/// Writes one record. Characters that a terminal could act on are escaped.
pub fn write(fields: &[(&str, &str)]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
    let mut record = Map::from_iter([("time_ms".to_owned(), Value::from(now))]);
    for (name, value) in fields {
        record.insert((*name).to_owned(), value.escape_default().to_string().into());
    }
    eprintln!("{}", Value::Object(record));
}
