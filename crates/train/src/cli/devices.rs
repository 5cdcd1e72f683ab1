//! `backdraft devices`.

use serde_json::json;

use super::print::{print, print_json};
use crate::{DeviceChoice, TrainError, known_devices};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let devices = known_devices();
    let picked = DeviceChoice::Auto.pick()?;
    if arguments.json {
        let picked = json!({ "name": picked.name, "reason": picked.reason });
        return print_json(&json!({ "devices": devices, "auto": picked }));
    }
    let mut text = String::new();
    for device in devices {
        let mark = if device.available { "+" } else { "-" };
        text.push_str(&format!(
            "{mark} {:<8} {}\n",
            device.name, device.description
        ));
    }
    text.push_str(&format!("auto takes {}: {}\n", picked.name, picked.reason));
    print(&text)
}
