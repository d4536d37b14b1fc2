//! A virtual world for the engine: a seeded network under a virtual clock.
