//! What TLS offers and accepts.

use std::path::Path;

use canvass_proto::tls::{PemFile, Roots, TlsClient, TlsIdentity, TlsOptions, TlsVersion};

use super::hosts::cannot_read;
use crate::args::{RootsArg, TlsArgs, TlsVersionArg};
use crate::exit::Failure;
use crate::lab::LabPeers;
use crate::same_file::NamedFiles;

pub(super) fn tls_client(
    args: &TlsArgs,
    alpn: Option<&str>,
    lab: Option<&LabPeers>,
) -> Result<TlsClient, Failure> {
    TlsClient::new(&TlsOptions {
        alpn: alpn.map(Into::into).into_iter().collect(),
        ..tls_options(args, lab)?
    })
    .map_err(Failure::usage)
}

/// The options of TLS clients, without application protocols.
pub(super) fn tls_options(args: &TlsArgs, lab: Option<&LabPeers>) -> Result<TlsOptions, Failure> {
    let ca = match (&args.cacert, lab) {
        (Some(path), _) => Some(pem(path)?),
        (None, Some(lab)) => lab.authority(),
        (None, None) => None,
    };
    let identity = match (&args.cert, &args.key) {
        (Some(chain), Some(key)) => Some(TlsIdentity {
            chain: pem(chain)?,
            key: pem(key)?,
        }),
        _ => None,
    };
    Ok(TlsOptions {
        insecure: args.insecure,
        roots: match args.roots {
            RootsArg::Webpki => Roots::WebPki,
            RootsArg::System => Roots::System,
        },
        ca,
        identity,
        alpn: Vec::new(),
        server_name: args.server_name.clone(),
        version_min: Some(version(args.tls_min)),
        version_max: Some(version(args.tls_max)),
    })
}

pub(super) fn version(version: TlsVersionArg) -> TlsVersion {
    match version {
        TlsVersionArg::V12 => TlsVersion::Tls12,
        TlsVersionArg::V13 => TlsVersion::Tls13,
    }
}

fn pem(path: &Path) -> Result<PemFile, Failure> {
    Ok(PemFile {
        name: path.display().to_string().into(),
        bytes: std::fs::read(path).map_err(|error| cannot_read(path, error))?,
    })
}

pub(super) fn name_tls_files(args: &TlsArgs, files: &mut NamedFiles) {
    for (flag, path) in [
        ("--cacert", &args.cacert),
        ("--cert", &args.cert),
        ("--key", &args.key),
    ] {
        if let Some(path) = path {
            files.reads(flag, path);
        }
    }
}
