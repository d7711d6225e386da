//! What loads came to, as a value of the log's last line.

use std::io::Write;

use crate::load_metrics::{LatencyQuantiles, LoadMetrics};

/// An object by the fetches' names, which need no escape.
pub(super) fn push_load_metrics(buffer: &mut Vec<u8>, loads: &[LoadMetrics]) {
    let mut before = '{';
    for load in loads {
        let _ = write!(buffer, r#"{before}"{}":{{"requests":{},"statuses":"#, load.job, load.requests);
        push_object(buffer, &load.statuses, |buffer, (status, count, latency)| {
            let _ = write!(buffer, r#""{status}":{{"requests":{count},"latency":"#);
            push_quantiles(buffer, latency);
            buffer.push(b'}');
        });
        buffer.extend_from_slice(br#","failures":"#);
        push_object(buffer, &load.failures, |buffer, (kind, count)| {
            let _ = write!(buffer, r#""{}":{count}"#, kind.name());
        });
        let LoadMetrics { given_up, bytes, opened, reused, delayed, unsent, .. } = load;
        let _ = write!(
            buffer,
            r#","given_up":{given_up},"bytes":{bytes},"opened":{opened},"reused":{reused},"delayed":{delayed},"unsent":{unsent},"latency":"#
        );
        push_quantiles(buffer, &load.latency);
        buffer.extend_from_slice(br#","from_start":"#);
        push_quantiles(buffer, &load.from_start);
        let _ = write!(buffer, r#","took":{}}}"#, load.took);
        before = ',';
    }
    buffer.push(b'}');
}

fn push_object<T>(buffer: &mut Vec<u8>, items: &[T], item: impl Fn(&mut Vec<u8>, &T)) {
    buffer.push(b'{');
    for (n, one) in items.iter().enumerate() {
        if n > 0 {
            buffer.push(b',');
        }
        item(buffer, one);
    }
    buffer.push(b'}');
}

fn push_quantiles(buffer: &mut Vec<u8>, quantiles: &LatencyQuantiles) {
    let LatencyQuantiles { p50, p90, p99, p999, max } = quantiles;
    let _ = write!(buffer, r#"{{"p50":{p50},"p90":{p90},"p99":{p99},"p99.9":{p999},"max":{max}}}"#);
}
