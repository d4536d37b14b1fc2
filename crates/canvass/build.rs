//! Sets `CANVASS_VERSION` to the version with the commit and its date, as far as they are known.
//!
//! A packager who builds without the repository sets `CANVASS_COMMIT`, such as `0123abcde 2026-01-31`.
//! Otherwise git is asked. Without a repository, as in a package of a registry, or without git, the
//! version stands alone.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const COMMIT: &str = "CANVASS_COMMIT";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={COMMIT}");
    let version = env!("CARGO_PKG_VERSION");
    let given = env::var(COMMIT).ok().filter(|commit| !commit.is_empty());
    let version = match given.or_else(commit_of_repository) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo::rustc-env=CANVASS_VERSION={version}");
}

/// The commit of the repository that this package is in, if it is its own: a package among the
/// dependencies of another project is in the repository of that.
fn commit_of_repository() -> Option<String> {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
    let crates = package.parent().filter(|path| path.ends_with("crates"))?;
    let root = crates.parent()?;
    watch(&git_directory(&root.join(".git"))?);
    let git = Command::new("git")
        .current_dir(root)
        .args([
            "log",
            "-1",
            "--no-show-signature",
            "--abbrev=9",
            "--format=%h %cs",
        ])
        .output()
        .ok()?;
    let commit = String::from_utf8(git.stdout).ok()?;
    (git.status.success() && !commit.trim().is_empty()).then(|| commit.trim().to_owned())
}

/// The directory of a repository. In a worktree, `.git` is a file that names it (gitrepository-layout(5)).
fn git_directory(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.to_owned());
    }
    let text = fs::read_to_string(path).ok()?;
    let named = text.strip_prefix("gitdir:")?.trim();
    Some(path.parent()?.join(named))
}

/// Builds again when another commit is checked out: `HEAD` changes with the branch, and the reference of
/// the branch and the log of `HEAD` with each commit. Only files that exist can be watched.
fn watch(git: &Path) {
    let head = git.join("HEAD");
    let common = fs::read_to_string(git.join("commondir"));
    let common = common.map_or(git.to_owned(), |path| git.join(path.trim()));
    let reference = fs::read_to_string(&head).ok();
    let reference = reference
        .as_deref()
        .and_then(|text| text.strip_prefix("ref:"));
    let reference = reference.map(|name| common.join(name.trim()));
    let files = [Some(head), Some(git.join("logs/HEAD")), reference];
    for file in files.into_iter().flatten().filter(|file| file.exists()) {
        println!("cargo::rerun-if-changed={}", file.display());
    }
}
