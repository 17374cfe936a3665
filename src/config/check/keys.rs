//! Keys in files that the settings name, and the console's address.
use super::Demand;
use super::is_private_to_read;
use crate::config::Config;
use std::path::Path;

/// A key that the settings name must be there: one that was made in its place would not be the one that others know.
pub(super) fn named(config: &Config) -> Vec<Demand> {
    let is_there = |file: &Path| file.as_os_str().is_empty() || file.is_file();
    let console = &config.console;
    vec![
        (
            is_there(&console.key_file),
            "console.key_file: there is no such file, and only console.key in node.data_dir is made where it is missing",
        ),
        (
            is_there(&config.webhooks.key_file),
            "webhooks.key_file: there is no such file, and only webhook.key in node.data_dir is made where it is missing",
        ),
        (
            is_there(&config.registry.key_file),
            "registry.key_file: there is no such file, and only registry.key in node.data_dir is made where it is missing",
        ),
        (
            is_there(&config.witness.key_file),
            "witness.key_file: there is no such file, and only witness.key in node.data_dir is made where it is missing",
        ),
        (
            // Where people sign in, each way to do so insists on it.
            console.public_url.is_empty()
                || !console.sign_in.is_empty()
                || is_private_to_read(&console.public_url),
            "console.public_url: https (http only on loopback)",
        ),
    ]
}
