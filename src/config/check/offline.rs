//! A post that may be cut off.
use super::Demand;
use crate::config::Config;
use crate::domain::Locode;

pub(super) fn demands(config: &Config) -> Vec<Demand> {
    let offline = &config.offline;
    let here = !offline.post.is_empty();
    vec![
        (
            !here
                || Locode::parse(&offline.post).is_ok_and(|post| {
                    post.country().is_some_and(|country| country.as_str() == config.node.state)
                }),
            "offline.post: the UN/LOCODE of a post of node.state, such as FRLEH",
        ),
        (
            !here || config.database.file().is_some(),
            "offline.post: a post that may be cut off has an embedded database of its own (database.url)",
        ),
        (
            (60..=604_800).contains(&offline.snapshot_life_s_max),
            "offline.snapshot_life_s_max: 60 to 604800",
        ),
    ]
}
