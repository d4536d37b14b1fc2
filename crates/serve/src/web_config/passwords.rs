//! `basic_auth_users`: users and the hashes of their passwords.
//!
//! A hash of bcrypt takes tens of milliseconds by design, so a thread of its own verifies passwords,
//! one at a time and at the lowest priority: neither requests of others nor probes wait for it. A
//! password that was right is remembered.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bcrypt::HashParts;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use serde::Deserialize;
use tokio::sync::oneshot;

/// Passwords that wait to be verified. Requests beyond that are told to come again.
const WAITING_MAX: usize = 64;
/// The cost of the hash for unknown users if there are no others.
const COST: u32 = 10;
/// The nice value of the thread: the least share of a processor.
const NICE: i32 = 19;

/// A hash of bcrypt.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Hash(String);

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Result<HashParts, _> = text.parse();
        parts.map_err(|_| "the hash of a password is not one of bcrypt")?;
        Ok(Self(text))
    }
}

impl Hash {
    /// A hash that costs as much as the costliest of `hashes`, and that no password is known to have.
    fn decoy<'a>(hashes: impl Iterator<Item = &'a Self>) -> Self {
        let cost = |hash: &Self| hash.0.parse().ok().map(|parts: HashParts| parts.get_cost());
        let cost = hashes.filter_map(cost).max().unwrap_or(COST);
        Self(format!("$2b${cost:02}${:.<22}{:.<31}", "", ""))
    }
}

/// The users that are let in.
pub(crate) struct Users {
    hashes: BTreeMap<String, Hash>,
    /// What passwords of unknown users are compared with, so that these take as long.
    decoy: Hash,
    /// A code of the password of each user for whom it was right. Passwords are not kept.
    verified: Mutex<HashMap<String, hmac::Tag>>,
    key: hmac::Key,
}

impl std::fmt::Debug for Users {
    /// Without hashes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.hashes.keys()).finish()
    }
}

impl Users {
    pub(super) fn new(hashes: BTreeMap<String, Hash>) -> Self {
        let random = &mut [0; 32];
        // Without random octets the key is known, and the codes are still never shown.
        let _ = aws_lc_rs::rand::fill(random);
        Self {
            decoy: Hash::decoy(hashes.values()),
            hashes,
            verified: Mutex::default(),
            key: hmac::Key::new(hmac::HMAC_SHA256, random),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    fn is_verified(&self, user: &str, password: &[u8]) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        let tag = verified.get(user);
        tag.is_some_and(|tag| hmac::verify(&self.key, password, tag.as_ref()).is_ok())
    }

    fn set_verified(&self, user: &str, password: &[u8]) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.insert(user.into(), hmac::sign(&self.key, password));
    }
}

/// Whether a password is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Password {
    Right,
    /// It is wrong, there is none, or the user is not known.
    Wrong,
    /// Too many wait to be verified.
    Unverified,
}

/// The thread that verifies passwords. It ends with this.
#[derive(Clone, Debug)]
pub(crate) struct PasswordChecker(Sender<Check>);

#[derive(Debug)]
struct Check {
    password: Vec<u8>,
    hash: String,
    is_right: oneshot::Sender<bool>,
}

impl PasswordChecker {
    pub(crate) fn start() -> io::Result<Self> {
        let (sender, checks) = bounded(WAITING_MAX);
        thread::Builder::new()
            .name("passwords".into())
            .spawn(move || verify(&checks))?;
        Ok(Self(sender))
    }

    /// Checks the credentials of a request (RFC 7617).
    pub(crate) async fn check(&self, users: &Users, headers: &HeaderMap) -> Password {
        let Some((user, password)) = credentials(headers) else {
            return Password::Wrong;
        };
        if users.is_verified(&user, &password) {
            return Password::Right;
        }
        let known = users.hashes.get(&user);
        let (is_right, verified) = oneshot::channel();
        let check = Check {
            password: password.clone(),
            hash: known.unwrap_or(&users.decoy).0.clone(),
            is_right,
        };
        match self.0.try_send(check) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                return Password::Unverified;
            }
        }
        match verified.await {
            Ok(true) if known.is_some() => {
                users.set_verified(&user, &password);
                Password::Right
            }
            Ok(_) => Password::Wrong,
            Err(_) => Password::Unverified,
        }
    }
}

fn verify(checks: &Receiver<Check>) {
    // Of this thread alone, on Linux. Without it, verifying competes with probes.
    let _ = rustix::process::nice(NICE);
    for check in checks {
        // Nobody waits for it if the connection is closed.
        if check.is_right.is_closed() {
            continue;
        }
        let is_right = bcrypt::verify(&check.password, &check.hash).unwrap_or(false);
        let _ = check.is_right.send(is_right);
    }
}

/// The user and the password of a request.
fn credentials(headers: &HeaderMap) -> Option<(String, Vec<u8>)> {
    let field = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = field.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|octet| *octet == b':')?;
    let user = str::from_utf8(&decoded[..colon]).ok()?;
    Some((user.into(), decoded[colon + 1..].to_vec()))
}
