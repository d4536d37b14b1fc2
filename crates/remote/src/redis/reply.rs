//! Answers of the scripts.

use crate::{ChunkId, Claim, Delivery, DeliveryId, Phase, WorkerName};

/// A delivery from its fields: entry and chunk, and for a result epoch and worker. The result is empty.
pub(super) fn delivery(fields: Vec<Vec<u8>>) -> Option<(DeliveryId, Delivery)> {
    let mut fields = fields.into_iter();
    let id = DeliveryId(text(fields.next()?)?.into());
    let chunk = fields.next()?;
    let Some(epoch) = fields.next() else {
        let chunk = ChunkId(number(&chunk)?);
        return Some((id, Delivery::Poison { chunk }));
    };
    let delivery = Delivery::Result {
        claim: claim(&chunk, &epoch)?,
        worker: WorkerName(text(fields.next()?)?.into()),
        result: Vec::new(),
    };
    Some((id, delivery))
}

/// The field of a result.
pub(super) fn result_field(claim: Claim, worker: &WorkerName) -> String {
    format!("{} {} {}", claim.chunk.0, claim.epoch, worker.0)
}

pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Cancelled => "cancelled",
    }
}

pub(super) fn phase_of(name: &str) -> Option<Phase> {
    [Phase::Running, Phase::Cancelled]
        .into_iter()
        .find(|phase| phase_name(*phase) == name)
}

pub(super) fn claim(chunk: &[u8], epoch: &[u8]) -> Option<Claim> {
    Some(Claim {
        chunk: ChunkId(number(chunk)?),
        epoch: number(epoch)?,
    })
}

pub(super) fn text(octets: Vec<u8>) -> Option<String> {
    String::from_utf8(octets).ok()
}

fn number(octets: &[u8]) -> Option<u64> {
    std::str::from_utf8(octets).ok()?.parse().ok()
}
