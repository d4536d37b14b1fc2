//! DNS protocol machines without IO: queries, replies, sessions.
