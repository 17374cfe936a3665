//! Keys in files that the settings name.
use super::Demand;
use crate::config::Config;
use std::path::Path;

/// A key that the settings name must be there: one that was made in its place would not be the one that others know.
pub(super) fn named(config: &Config) -> Vec<Demand> {
    let is_there = |file: &Path| file.as_os_str().is_empty() || file.is_file();
    vec![
        (
            is_there(&config.console.key_file),
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
    ]
}
