//! The overview for a supervisor: what happened at the posts in the last day, drawn by the server.
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::overview::Count;
use crate::app::overview::LOOKED_AT_MAX;
use crate::http::caller::OfficerOrAuthority;
use actix_web::web;
use minijinja::Value;
use minijinja::context;

/// Height of the plot of verdicts, what is left free above the busiest hour for its figure, and the step
/// from one bar to the next.
const HEIGHT: u64 = 200;
const FREE: u64 = 24;
const STEP: u64 = 40;

/// `GET /console/overview`.
pub async fn page(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
) -> Answer {
    let overview = app.overview(&caller).await?;
    let most = |of: fn(&Count) -> u64| overview.hours.iter().map(|(_, count)| of(count)).max();
    let busiest = most(Count::verdicts).unwrap_or_default();
    let loudest = most(|count| count.alerts).unwrap_or_default();
    let bars =
        (0..).zip(&overview.hours).map(|(n, (at, count))| bar(n, at, count, busiest, loudest));
    let fullest = overview.posts.values().map(Count::verdicts).max().unwrap_or_default();
    let posts = overview.posts.iter().map(|(post, count)| {
        let share = |part: u64| scaled(part, 100, fullest);
        context! {
            name => post, count => Value::from_serialize(count),
            clear => share(count.clear), refer => share(count.refer), hold => share(count.hold),
        }
    });
    let first = overview.reasons.first().map_or(1, |(_, count)| *count);
    let reasons = overview.reasons.iter().map(|(code, count)| {
        context! { code => code, count => count, share => scaled(*count, 100, first) }
    });
    let (kept, hits, misses) = app.cache.counts();
    let asked = hits.saturating_add(misses);
    let context = context! {
        bars => bars.collect::<Vec<_>>(), height => HEIGHT, width => STEP * 24, busiest => busiest,
        loudest => loudest, posts => posts.collect::<Vec<_>>(), reasons => reasons.collect::<Vec<_>>(),
        total => Value::from_serialize(&overview.total), all => overview.total.verdicts(),
        is_cut => overview.is_cut, most => LOOKED_AT_MAX,
        hit_rate => (asked > 0).then(|| scaled(hits, 100, asked)), kept => kept,
        latency => latency(&app),
    };
    view.page(&caller, "overview.html", context)
}

/// A part drawn where the whole is as long as said.
fn scaled(part: u64, length: u64, whole: u64) -> u64 {
    part.saturating_mul(length) / whole.max(1)
}

/// The bars of an hour: its verdicts, one kind on the other, and its alerts.
fn bar(number: u64, at: &str, count: &Count, busiest: u64, loudest: u64) -> Value {
    let high = |part: u64| scaled(part, HEIGHT - FREE, busiest);
    let (hold, refer, clear) = (high(count.hold), high(count.refer), high(count.clear));
    let alerts = scaled(count.alerts, HEIGHT / 2 - FREE, loudest);
    context! {
        x => number * STEP, at => at, count => Value::from_serialize(count), all => count.verdicts(),
        hold => hold, refer => refer, clear => clear, alerts => alerts,
        hold_y => HEIGHT - hold, refer_y => HEIGHT - hold - refer,
        clear_y => HEIGHT - hold - refer - clear, alerts_y => HEIGHT / 2 - alerts,
    }
}

/// The routes by which verdicts are asked for.
const JUDGING: [&str; 3] = ["/v1/verifications", "/console/scan", "/console/declaration"];

/// Within how many milliseconds this node has answered half, and 99 of 100, of those who asked for a
/// verdict since it started: the upper edges of the classes in which answers are counted.
fn latency(app: &App) -> Option<Value> {
    let families = app.registry.gather();
    let family = families.iter().find(|family| family.name() == "http_request_duration_seconds")?;
    let judging = family.get_metric().iter().filter(|metric| {
        let of = |name: &str, words: &[&str]| {
            let label = metric.get_label().iter().find(|label| label.name() == name);
            label.is_none_or(|label| words.contains(&label.value()))
        };
        of("route", &JUDGING) && of("method", &["POST"])
    });
    let (mut edges, mut all) = (Vec::<(f64, u64)>::new(), 0_u64);
    for metric in judging {
        let histogram = metric.get_histogram();
        all = all.saturating_add(histogram.get_sample_count());
        for (n, bucket) in histogram.get_bucket().iter().enumerate() {
            match edges.get_mut(n) {
                Some((_, count)) => *count = count.saturating_add(bucket.cumulative_count()),
                None => edges.push((bucket.upper_bound(), bucket.cumulative_count())),
            }
        }
    }
    let within = |percent: u64| {
        let wanted = all.saturating_mul(percent).div_ceil(100);
        let edge = edges.iter().find(|(_, count)| *count >= wanted);
        edge.map(|(seconds, _)| milliseconds(*seconds))
    };
    let longest = edges.iter().rev().find(|(edge, _)| edge.is_finite());
    (all > 0).then(|| {
        let beyond = longest.map(|(edge, _)| milliseconds(*edge));
        context! { half => within(50), most => within(99), all => all, beyond => beyond }
    })
}

/// Seconds as a decimal of milliseconds.
fn milliseconds(seconds: f64) -> String {
    let text = format!("{seconds:.5}");
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, "00000"));
    let hundredths: u64 = format!("{whole}{decimals}").parse().unwrap_or_default();
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_written_without_idle_noughts() {
        for (seconds, text) in [(0.0005, "0.5"), (0.001, "1"), (0.25, "250"), (5.0, "5000")] {
            assert_eq!(milliseconds(seconds), text);
        }
    }

    #[test]
    fn a_day_without_anything_draws_nothing() {
        assert_eq!(scaled(0, 180, 0), 0);
        assert_eq!(scaled(7, 180, 7), 180);
    }
}
