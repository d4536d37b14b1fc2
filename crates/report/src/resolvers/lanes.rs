//! Which transport was chosen for a resolver, and why, over all shards.

use canvass_model::{LaneVerdict, StreamFlaw};

use super::Resolver;
use crate::human::{count, rate};

/// A choice that one or more shards made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice {
    verdict: LaneVerdict,
    shards: usize,
}

impl Resolver<'_> {
    /// The choices of its shards, each kind once. Rates of shards with the same choice are added.
    /// None if streams were not tried.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        let mut choices: Vec<Choice> = Vec::new();
        for verdict in self.reports.iter().filter_map(|report| report.lanes) {
            let same = choices
                .iter_mut()
                .find_map(|choice| Some((choice.verdict.sum(&verdict)?, choice)));
            if let Some((verdict, choice)) = same {
                choice.verdict = verdict;
                choice.shards += 1;
            } else {
                choices.push(Choice { verdict, shards: 1 });
            }
        }
        choices
    }

    /// What was chosen for it, and why, one line for each kind of choice.
    pub(crate) fn choice_texts(&self) -> Vec<String> {
        let all = self.reports.len();
        let text = |choice: Choice| {
            let name = choice.name();
            let shards = match choice.shards {
                some if some == all => String::new(),
                some => format!(" in {some} of {all} shards"),
            };
            format!("{} {name}{shards}: {}", self.address, choice.reason())
        };
        self.choices().into_iter().map(text).collect()
    }
}

impl Choice {
    /// The transports that were chosen.
    pub(crate) fn name(&self) -> &'static str {
        match self.verdict {
            LaneVerdict::Streams { .. } => "by tcp",
            LaneVerdict::Both { .. } => "by udp and tcp",
            LaneVerdict::Datagrams(_) => "by udp",
        }
    }

    fn reason(&self) -> String {
        match self.verdict {
            LaneVerdict::Streams {
                streams_per_second,
                both_per_second,
            } => format!(
                "tcp alone delivered {}, both together {}",
                rate(streams_per_second),
                rate(both_per_second)
            ),
            LaneVerdict::Both {
                streams_per_second,
                both_per_second,
            } => format!(
                "both together delivered {}, tcp alone {}",
                rate(both_per_second),
                rate(streams_per_second)
            ),
            LaneVerdict::Datagrams(flaw) => match flaw {
                StreamFlaw::Refused => "connections by tcp failed".to_owned(),
                StreamFlaw::Local => "this machine could not send by tcp".to_owned(),
                StreamFlaw::Closed { queries } => format!(
                    "a connection by tcp was closed after {}",
                    count(queries.into(), "query", "queries")
                ),
                StreamFlaw::Silent => "queries by tcp were not answered".to_owned(),
                StreamFlaw::Errors => "answers by tcp were errors".to_owned(),
                StreamFlaw::Misframed => "messages by tcp had wrong lengths".to_owned(),
                StreamFlaw::Late => {
                    "answers by tcp came late, as if each query waited for the one before"
                        .to_owned()
                }
                StreamFlaw::Fewer {
                    streams_per_second,
                    both_per_second,
                } => format!(
                    "tcp delivered {} of {}",
                    rate(streams_per_second),
                    rate(both_per_second)
                ),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolvers::busiest_first;
    use canvass_model::{ShardReport, UpstreamReport};

    fn texts(verdicts: &[Option<LaneVerdict>]) -> Vec<String> {
        let shard = |lanes: &Option<LaneVerdict>| ShardReport {
            upstreams: vec![UpstreamReport {
                lanes: *lanes,
                ..UpstreamReport::new(([192, 0, 2, 1], 53).into())
            }],
            ..ShardReport::default()
        };
        let shards: Vec<ShardReport> = verdicts.iter().map(shard).collect();
        busiest_first(&shards)[0].choice_texts()
    }

    #[test]
    fn shards_that_chose_the_same_are_added_up() {
        let streams = LaneVerdict::Streams {
            streams_per_second: 50_000.0,
            both_per_second: 51_000.0,
        };
        assert_eq!(
            texts(&[Some(streams), Some(streams)]),
            ["192.0.2.1:53 by tcp: tcp alone delivered 100000/s, both together 102000/s"]
        );
        let closed = |queries| Some(LaneVerdict::Datagrams(StreamFlaw::Closed { queries }));
        assert_eq!(
            texts(&[closed(20), closed(1), Some(streams)]),
            [
                "192.0.2.1:53 by udp in 2 of 3 shards: a connection by tcp was closed after 1 query",
                "192.0.2.1:53 by tcp in 1 of 3 shards: tcp alone delivered 50000/s, both together \
                 51000/s",
            ]
        );
    }

    #[test]
    fn every_flaw_has_a_text() {
        let fewer = StreamFlaw::Fewer {
            streams_per_second: 900.0,
            both_per_second: 12_000.0,
        };
        let flaws = [
            (StreamFlaw::Refused, "connections by tcp failed"),
            (StreamFlaw::Local, "this machine could not send by tcp"),
            (StreamFlaw::Silent, "queries by tcp were not answered"),
            (StreamFlaw::Errors, "answers by tcp were errors"),
            (StreamFlaw::Misframed, "messages by tcp had wrong lengths"),
            (
                StreamFlaw::Late,
                "answers by tcp came late, as if each query waited for the one before",
            ),
            (fewer, "tcp delivered 900/s of 12000/s"),
        ];
        for (flaw, expected) in flaws {
            let expected = format!("192.0.2.1:53 by udp: {expected}");
            assert_eq!(texts(&[Some(LaneVerdict::Datagrams(flaw))]), [expected]);
        }
        assert_eq!(texts(&[None]), [""; 0]);
    }
}
