//! Consecutive jobs as octets: what a submitter publishes and a worker claims.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU64;
use std::ops::Range;

use canvass_model::{Job, ProbeSpec, Target};
use serde::{Deserialize, Serialize};

/// The maximum number of jobs of a chunk.
pub(crate) const CHUNK_JOBS_MAX: usize = 1 << 16;
/// The maximum size of the jobs of a chunk before compression, in octets. One job is never too large.
const JOBS_OCTETS_MAX: u64 = 64 << 20;
/// The level of compression. Lists are much alike, so higher levels gain little.
const ZSTD_LEVEL: i32 = 1;

/// What is known of a chunk without its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkHeader {
    /// The sequence number of the first job. Those of the others follow.
    pub first: u64,
    /// The number of jobs, at least one.
    pub jobs: u32,
    /// The number of their outcomes.
    pub outcomes: u64,
}

impl ChunkHeader {
    /// The sequence numbers of the jobs.
    pub fn range(&self) -> Range<u64> {
        self.first..self.first + u64::from(self.jobs)
    }
}

/// Jobs that follow each other.
#[derive(Debug, Serialize, Deserialize)]
enum Segment {
    /// Addresses that follow each other: two numbers, however many they are.
    Addresses {
        first: IpAddr,
        count: u32,
        line: Option<NonZeroU64>,
        spec: ProbeSpec,
    },
    /// Any other job.
    Job(Job),
}

/// Why octets are not a chunk.
#[derive(Debug, thiserror::Error)]
#[error("damaged chunk: {0}")]
pub(crate) struct ChunkError(String);

/// Encodes jobs, which must have consecutive numbers, and at least one.
pub(crate) fn encode(jobs: &[Job]) -> Vec<u8> {
    let header = ChunkHeader {
        first: jobs[0].seq,
        jobs: jobs.len() as u32,
        outcomes: jobs.iter().map(|job| job.spec.outcomes()).sum(),
    };
    let segments = postcard::to_stdvec(&segments(jobs)).expect("jobs can be saved");
    let octets = postcard::to_stdvec(&header).expect("numbers can be saved");
    let packed = zstd::bulk::compress(&segments, ZSTD_LEVEL).expect("memory is no bad output");
    [octets, packed].concat()
}

/// Decodes what is known of a chunk without its jobs.
///
/// # Errors
/// The octets are not a chunk.
pub(crate) fn decode_header(octets: &[u8]) -> Result<ChunkHeader, ChunkError> {
    let (header, _): (ChunkHeader, _) = postcard::take_from_bytes(octets).map_err(damaged)?;
    Ok(header)
}

/// The jobs of a chunk, made as they are taken: a chunk of addresses takes no more memory than its numbers.
#[derive(Debug)]
pub(crate) struct ChunkJobs {
    header: ChunkHeader,
    /// What is left. The first segment may have been taken in part.
    segments: VecDeque<Segment>,
    /// The sequence number of the next job.
    next: u64,
}

impl ChunkJobs {
    /// Decodes the jobs of a chunk.
    ///
    /// # Errors
    /// The octets are not a chunk, or its jobs are not those that its header says.
    pub(crate) fn decode(octets: &[u8]) -> Result<Self, ChunkError> {
        let (header, packed): (ChunkHeader, _) =
            postcard::take_from_bytes(octets).map_err(damaged)?;
        let mut segments = Vec::new();
        let unpacked = zstd::stream::Decoder::new(packed)
            .and_then(|decoder| decoder.take(JOBS_OCTETS_MAX).read_to_end(&mut segments));
        unpacked.map_err(|error: io::Error| damaged(error))?;
        let segments: VecDeque<Segment> = postcard::from_bytes(&segments).map_err(damaged)?;
        if header.jobs == 0 || header.jobs as usize > CHUNK_JOBS_MAX {
            return Err(damaged("too few or too many jobs"));
        }
        // The numbers of damaged octets may be beyond all that there are.
        let end_of =
            |first: u64, jobs: u32| first.checked_add(jobs.into()).ok_or_else(not_of_header);
        let mut next = header.first;
        for segment in &segments {
            let jobs = match segment {
                Segment::Addresses { count, .. } => *count,
                Segment::Job(job) if job.seq == next => 1,
                Segment::Job(_) => return Err(not_of_header()),
            };
            next = end_of(next, jobs)?;
        }
        if next != end_of(header.first, header.jobs)? {
            return Err(not_of_header());
        }
        Ok(Self {
            header,
            segments,
            next: header.first,
        })
    }

    pub(crate) fn header(&self) -> ChunkHeader {
        self.header
    }
}

impl Iterator for ChunkJobs {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        let job = loop {
            match self.segments.front_mut()? {
                Segment::Addresses {
                    first,
                    count: count @ 1..,
                    line,
                    spec,
                } => {
                    let address = *first;
                    *first = after(address, 1);
                    *count -= 1;
                    break Job {
                        seq: self.next,
                        line: *line,
                        target: Target::Address {
                            address,
                            given: None,
                        },
                        spec: *spec,
                        due: None,
                        resolver: None,
                    };
                }
                _ => {
                    if let Some(Segment::Job(job)) = self.segments.pop_front() {
                        break job;
                    }
                }
            }
        };
        self.next += 1;
        Some(job)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.header.range().end - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for ChunkJobs {}

fn segments(jobs: &[Job]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for job in jobs {
        let Some(address) = plain_address(job) else {
            segments.push(Segment::Job(job.clone()));
            continue;
        };
        if let Some(Segment::Addresses {
            first,
            count,
            line,
            spec,
        }) = segments.last_mut()
            && (*line, *spec) == (job.line, job.spec)
            && after(*first, *count) == address
            && after(*first, *count - 1) < address
        {
            *count += 1;
        } else {
            segments.push(Segment::Addresses {
                first: address,
                count: 1,
                line: job.line,
                spec: job.spec,
            });
        }
    }
    segments
}

/// The address of a job that has nothing else.
fn plain_address(job: &Job) -> Option<IpAddr> {
    match job.target {
        Target::Address {
            address,
            given: None,
        } if job.resolver.is_none() && job.due.is_none() => Some(address),
        _ => None,
    }
}

/// The address `index` places after `first`.
fn after(first: IpAddr, index: u32) -> IpAddr {
    match first {
        IpAddr::V4(first) => Ipv4Addr::from_bits(first.to_bits().wrapping_add(index)).into(),
        IpAddr::V6(first) => {
            Ipv6Addr::from_bits(first.to_bits().wrapping_add(u128::from(index))).into()
        }
    }
}

fn not_of_header() -> ChunkError {
    damaged("its jobs are not those of its header")
}

fn damaged(error: impl ToString) -> ChunkError {
    ChunkError(error.to_string())
}

#[cfg(test)]
mod tests {
    use canvass_queue::{Source, TargetKind, TargetOptions, arguments};
    use proptest::prelude::*;

    use super::*;

    fn jobs_of(targets: &[&str], shuffle: Option<u64>) -> Vec<Job> {
        let options = TargetOptions {
            shuffle,
            limit: Some(5_000),
            ..TargetOptions::new(TargetKind::Ptr {
                forward_confirm: false,
            })
        };
        let targets = targets.iter().map(|target| (*target).to_owned());
        let mut source = arguments(targets, &options).unwrap();
        let mut jobs = Vec::new();
        while source.next(512, &mut jobs).unwrap() {}
        jobs
    }

    fn read(octets: &[u8]) -> Vec<Job> {
        ChunkJobs::decode(octets).unwrap().collect()
    }

    #[test]
    fn a_cidr_is_two_numbers() {
        let octets = encode(&jobs_of(&["192.0.2.0/24"], None));
        assert!(octets.len() < 40, "{}", octets.len());
        let octets = encode(&jobs_of(&["10.0.0.0/8"], None));
        assert!(octets.len() < 40, "{}", octets.len());
        assert_eq!(decode_header(&octets).unwrap().jobs, 5_000);
    }

    #[test]
    fn the_last_addresses_are_not_followed_by_the_first() {
        for targets in [
            ["255.255.255.255", "0.0.0.0"],
            ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::"],
        ] {
            let jobs = jobs_of(&targets, None);
            assert_eq!(segments(&jobs).len(), 2);
            assert_eq!(read(&encode(&jobs)), jobs);
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let octets = encode(&jobs_of(&["192.0.2.0/28"], None));
        assert!(ChunkJobs::decode(&octets[..octets.len() - 1]).is_err());
        assert!(ChunkJobs::decode(&[]).is_err());
        let mut other = octets.clone();
        other[0] ^= 1;
        let mut read = ChunkJobs::decode(&other).unwrap();
        assert_eq!(read.header().first, read.next().unwrap().seq);
        let mut fewer = octets;
        fewer[1] -= 1;
        assert!(ChunkJobs::decode(&fewer).is_err());
    }

    proptest! {
        #[test]
        fn jobs_are_read_back(
            shuffle in prop::option::of(any::<u64>()),
            at in 0_usize..600,
            count in 1_usize..600,
        ) {
            let jobs = jobs_of(
                &["192.0.2.0/24", "203.0.113.7 @192.0.2.53", "bad target", "2001:db8::/118", "192.0.2.1"],
                shuffle,
            );
            let end = (at + count).min(jobs.len());
            let part = &jobs[at..end];
            let read = ChunkJobs::decode(&encode(part)).unwrap();
            prop_assert_eq!(read.header().range(), part[0].seq..part[0].seq + part.len() as u64);
            prop_assert_eq!(read.len(), part.len());
            prop_assert!(read.eq(part.iter().cloned()));
        }

        #[test]
        fn any_octets_are_refused_or_read(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(read) = ChunkJobs::decode(&octets) {
                prop_assert_eq!(read.header().jobs as usize, read.count());
            }
        }
    }
}
