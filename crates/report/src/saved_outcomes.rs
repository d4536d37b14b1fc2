//! Outcomes are read back as they were saved, as a run that parks them needs it.

use canvass_model::Outcome;
use proptest::prelude::*;

use crate::fixture;

fn saved_and_read(outcome: &Outcome) -> Outcome {
    let octets = postcard::to_stdvec(outcome).unwrap();
    postcard::from_bytes(&octets).unwrap()
}

proptest! {
    #[test]
    fn any_outcome_is_read_back(outcome in fixture::any_outcome()) {
        prop_assert_eq!(saved_and_read(&outcome), outcome);
    }
}

#[test]
fn an_outcome_of_each_kind_is_read_back() {
    for outcome in [
        fixture::ptr_answered(),
        fixture::ptr_confirmed(Some(true)),
        fixture::ptr_timeout(),
        fixture::dns_answered(),
        fixture::local_failure(),
        fixture::http_extras(),
        fixture::http_redirected(2),
        fixture::http_odd(),
        fixture::http_expired(),
        fixture::http_unsaved("no space"),
        fixture::tcp_unmatched(),
        fixture::udp_replies(),
    ] {
        assert_eq!(saved_and_read(&outcome), outcome);
    }
}
