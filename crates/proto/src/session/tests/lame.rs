//! Servers that do not recurse: referrals, aliases without their target, and what denies a name.

use canvass_model::{Cause, Phase, Rcode, Status, Verdict};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{NS, SOA};
use hickory_proto::rr::{RData, Record as OwnedRecord};

use super::rig::*;
use crate::dns::QueryOptions;
use crate::session::*;

/// What a reply has besides its question.
#[derive(Clone, Copy, Default)]
struct Content {
    code: u8,
    authoritative: bool,
    recursive: bool,
    alias: bool,
    /// The owner of an NS record in the authority section.
    ns: Option<&'static str>,
    /// The owner of a SOA record there.
    soa: Option<&'static str>,
}

impl Content {
    fn reply_to(self, query: &Flight) -> Vec<u8> {
        let mut reply = query.reply();
        reply.metadata.response_code = ResponseCode::from(0, self.code);
        reply.metadata.authoritative = self.authoritative;
        reply.metadata.recursion_available = self.recursive;
        let owner = reply.queries[0].name().clone();
        if self.alias {
            reply.add_answer(OwnedRecord::from_rdata(owner, 60, cname(TARGET)));
        }
        if let Some(zone) = self.ns {
            let data = RData::NS(NS(name_of("ns.example.")));
            reply.add_authority(OwnedRecord::from_rdata(name_of(zone), 60, data));
        }
        if let Some(zone) = self.soa {
            let (server, mail) = (name_of("ns.example."), name_of("hostmaster.example."));
            let data = RData::SOA(SOA::new(server, mail, 1, 2, 3, 4, 5));
            reply.add_authority(OwnedRecord::from_rdata(name_of(zone), 60, data));
        }
        reply.to_vec().unwrap()
    }
}

const TARGET: &str = "1.0/25.2.0.192.in-addr.arpa.";
const ZONE: &str = "2.0.192.in-addr.arpa.";
const NOTHING: Content = Content {
    code: 0,
    authoritative: false,
    recursive: false,
    alias: false,
    ns: None,
    soa: None,
};
const REFERRAL: Content = Content {
    ns: Some(ZONE),
    ..NOTHING
};
/// An alias of the server's own zone that leads out of it.
const ALIAS: Content = Content {
    authoritative: true,
    alias: true,
    ..NOTHING
};

fn pool() -> Limits {
    Limits {
        alternatives: true,
        ..limits()
    }
}

/// The outcome of a lone server's reply to the question about 192.0.2.1.
#[track_caller]
fn outcome_of(content: Content, limits: Limits) -> Outcome {
    let mut rig = Rig::ptr(limits);
    let query = rig.send();
    let reply = content.reply_to(&query);
    rig.reply(&query, &reply);
    rig.finish()
}

#[test]
fn a_server_that_may_not_deny_a_name_has_not_denied_it() {
    for content in [
        REFERRAL,
        // Upwards, as old servers do.
        Content {
            ns: Some("."),
            ..NOTHING
        },
        NOTHING,
        Content { code: 3, ..NOTHING },
        Content {
            code: 3,
            ns: Some(ZONE),
            ..NOTHING
        },
        // The SOA record of another zone proves nothing.
        Content {
            soa: Some("example."),
            ..NOTHING
        },
    ] {
        let outcome = outcome_of(content, limits());
        let fault = outcome.fault.as_deref().expect("it failed");
        assert_eq!(outcome.verdict, Verdict::Failed);
        assert_eq!(
            (outcome.status, fault.cause, fault.phase),
            (Status::Lame, Cause::Lame, Phase::Dns)
        );
        // Asking it again would give the same.
        assert_eq!(
            message_of(&outcome),
            "192.0.2.53:53 does not recurse, and does not serve this name, in 1 attempt"
        );
    }
}

#[test]
fn a_server_that_recurses_or_has_authority_may_deny_a_name() {
    for content in [
        // NODATA of type 3 (RFC 2308 §2.2).
        Content {
            authoritative: true,
            ..NOTHING
        },
        // Of type 1 and 2.
        Content {
            ns: Some(ZONE),
            soa: Some(ZONE),
            ..NOTHING
        },
        Content {
            soa: Some("in-addr.arpa."),
            ..NOTHING
        },
        Content {
            recursive: true,
            ..REFERRAL
        },
        Content {
            code: 3,
            authoritative: true,
            ..NOTHING
        },
        Content {
            code: 3,
            soa: Some(ZONE),
            ..NOTHING
        },
        Content {
            code: 3,
            recursive: true,
            ..NOTHING
        },
    ] {
        let outcome = outcome_of(content, limits());
        let rcode = Rcode(content.code.into());
        assert_eq!(
            (outcome.verdict, outcome.status),
            (Verdict::Negative, Status::Rcode(rcode))
        );
    }
}

#[test]
fn a_referral_is_an_answer_to_a_query_without_rd() {
    let plain = Limits {
        query: QueryOptions {
            recursion_desired: false,
            ..QueryOptions::PLAIN
        },
        ..pool()
    };
    for content in [REFERRAL, NOTHING, ALIAS] {
        let outcome = outcome_of(content, plain);
        assert_eq!(outcome.verdict, Verdict::Negative);
        assert_eq!(outcome.status, Status::Rcode(Rcode::NOERROR));
    }
}

#[test]
fn another_resolver_is_asked_at_once() {
    for content in [REFERRAL, ALIAS] {
        let mut rig = Rig::ptr(pool());
        let query = rig.send_to(UpstreamId(0));
        let reply = content.reply_to(&query);
        assert_eq!(rig.reply(&query, &reply), ReplyClass::Lame);
        let query = rig.send_to(UpstreamId(1));
        assert_eq!(query.request.avoid, Some(UpstreamId(0)));
        let reply = query.names(&["a.example.net."]);
        assert_eq!(rig.reply(&query, &reply), ReplyClass::Answer);
        let outcome = rig.finish();
        assert_eq!(outcome.attempts, 2);
        assert_eq!(names_of(&outcome), ["a.example.net."]);
        assert_eq!(ptr_answer(&outcome).cname(), None);
    }
}

#[test]
fn a_pool_without_recursion_ends_when_a_server_replies_twice() {
    for content in [REFERRAL, ALIAS] {
        let mut rig = Rig::ptr(pool());
        for upstream in [0, 1, 2, 1] {
            let query = rig.send_to(UpstreamId(upstream));
            let reply = content.reply_to(&query);
            rig.reply(&query, &reply);
        }
        let outcome = rig.finish();
        assert_eq!(outcome.attempts, 4);
        if content.alias {
            assert_eq!(outcome.verdict, Verdict::Negative);
            assert_eq!(ptr_answer(&outcome).cname(), Some(TARGET));
        } else {
            assert_eq!(outcome.status, Status::Lame);
        }
    }
}

#[test]
fn an_alias_is_the_answer_if_the_other_servers_have_none() {
    let mut rig = Rig::ptr(Limits {
        retries: 1,
        ..pool()
    });
    let query = rig.send_to(UpstreamId(0));
    let reply = ALIAS.reply_to(&query);
    rig.reply(&query, &reply);
    rig.send_to(UpstreamId(1));
    rig.expire();
    let outcome = rig.finish();
    assert_eq!((outcome.verdict, outcome.attempts), (Verdict::Negative, 2));
    assert_eq!(ptr_answer(&outcome).cname(), Some(TARGET));
    assert_eq!(outcome.resolver, Some(address_of(UpstreamId(0))));
}

#[test]
fn an_interrupted_question_with_an_alias_alone_fails() {
    let mut rig = Rig::ptr(pool());
    let query = rig.send_to(UpstreamId(0));
    let reply = ALIAS.reply_to(&query);
    rig.reply(&query, &reply);
    rig.send_to(UpstreamId(1));
    let now = rig.now;
    rig.session.cancel(now);
    let outcome = rig.finish();
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert_eq!(outcome.fault.unwrap().cause, Cause::Interrupted);
}

#[test]
fn a_resolver_named_by_the_job_is_the_only_one() {
    let mut rig = Rig::ptr(pool());
    rig.session.ask_only(UpstreamId(3));
    let query = rig.send_to(UpstreamId(3));
    let reply = REFERRAL.reply_to(&query);
    rig.reply(&query, &reply);
    let outcome = rig.finish();
    assert_eq!((outcome.status, outcome.attempts), (Status::Lame, 1));
}

#[test]
fn an_alias_whose_target_is_denied_is_shown_with_the_denial() {
    let denied = Content {
        code: 3,
        soa: Some(ZONE),
        ..ALIAS
    };
    // No other server needs to be asked.
    let outcome = outcome_of(denied, pool());
    assert_eq!(outcome.verdict, Verdict::Negative);
    assert_eq!(outcome.status, Status::Rcode(Rcode::NXDOMAIN));
    assert_eq!(ptr_answer(&outcome).cname(), Some(TARGET));
}

#[test]
fn a_name_is_not_confirmed_by_an_alias_alone() {
    let mut rig = Rig::confirming();
    let query = rig.send();
    let reply = query.names(&["a.example.net."]);
    rig.reply(&query, &reply);
    let lookup = rig.send();
    let reply = ALIAS.reply_to(&lookup);
    assert_eq!(rig.reply(&lookup, &reply), ReplyClass::Lame);
    let outcome = rig.finish();
    let confirmation = ptr_answer(&outcome).confirmation().unwrap();
    assert_eq!(confirmation.confirmed, None);
}
