//! The requests of loads over TLS, on the fast path and by hyper.

use scenario_core::scenario::model::{ArrivalProcess, FetchJob, Http2Mode, LoadModel, LoadProfile};
use scenario_core::scenario::rate::{Ramp, RequestRate};

use crate::fetch::harness::{Rig, job, local};
use crate::fetch::tls::{https, identity, secure};

/// Sends three requests at once, four times. Returns how many connections that took, and whether each
/// request after the first three used a kept connection.
async fn connections(protocols: &[&str], http2: Http2Mode, model: LoadModel) -> (usize, bool) {
    let identity = identity("127.0.0.1", |_| {});
    let server = secure(&identity, protocols).await;
    let load = Some(LoadProfile { model, max_requests: Some(100), duration: None });
    let job = FetchJob { ca: Some(identity.authority.into()), http2, load, ..job(&https(&server)) };
    let mut rig = Rig::new(vec![job], &[]);
    let mut all_reused = true;
    for round in 0..4 {
        let numbers = round * 3 + 1..=round * 3 + 3;
        numbers.clone().for_each(|n| rig.start(n));
        rig.wait_for_ends(3).await;
        for n in numbers {
            let fetched = rig.run(n).await.fetched();
            assert_eq!(fetched.status, 200);
            assert_eq!(fetched.timings.tls.is_some(), fetched.reused == Some(false), "{fetched:?}");
            all_reused &= round == 0 || fetched.reused == Some(true);
        }
    }
    (server.connections(), all_reused)
}

fn closed() -> LoadModel {
    LoadModel::Closed { connections: 3 }
}

fn open() -> LoadModel {
    LoadModel::Open {
        rate: Ramp::constant(RequestRate(100_000_000)),
        arrivals: ArrivalProcess::Constant,
        max_connections: 10,
    }
}

#[test]
fn connections_are_kept_and_shared_by_protocol_and_load_model() {
    local(async {
        let both: &[&str] = &["h2", "http/1.1"];
        // HTTP/1.1: one for each request that is in flight.
        assert_eq!(connections(&[], Http2Mode::Never, closed()).await, (3, true));
        assert_eq!(connections(&["http/1.1"], Http2Mode::Auto, closed()).await, (3, true));
        assert_eq!(connections(both, Http2Mode::Never, open()).await, (3, true));
        // HTTP/2: the fixed number of a closed loop, and one for all requests of an open one.
        assert_eq!(connections(both, Http2Mode::Auto, closed()).await, (3, true));
        assert_eq!(connections(both, Http2Mode::Always, closed()).await, (3, true));
        assert_eq!(connections(both, Http2Mode::Always, open()).await.0, 1);
        assert_eq!(connections(both, Http2Mode::Auto, open()).await.0, 1);
    });
}

#[test]
fn an_open_loop_finds_out_the_version_of_the_server() {
    local(async {
        // hyper sends the first requests; once the version is known, new connections are opened.
        let (connections, _) = connections(&["http/1.1"], Http2Mode::Auto, open()).await;
        assert!((3..=6).contains(&connections), "{connections}");
    });
}
