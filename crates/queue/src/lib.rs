//! Targets in: sources, order, the feeder and the ledger.
