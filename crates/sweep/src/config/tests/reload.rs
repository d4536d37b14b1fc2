//! Configurations that are read again.

use std::fs;
use std::time::Duration;

use canvass_model::ProbeSpec;

use super::{directory, load};
use crate::WatchedTarget;

#[test]
fn a_reload_adds_the_modules_that_have_changed_and_keeps_the_others() {
    let text = |status: u32, max: &str| {
        format!(
            "[modules.x]\nexpect_status = {status}\nmax_latency = {{ total = \"{max}\" }}\n\
             [[groups]]\nname = \"web\"\nmodule = \"x\"\ntargets = [\"http://a.example.net/\"]\n\
             [[groups]]\nname = \"list\"\nfiles = [\"list.txt\"]\n"
        )
    };
    let directory = directory(&text(200, "1s"));
    let path = directory.path().join("sweep.toml");
    let (mut configured, targets) = load(&path).unwrap();
    assert_eq!(targets.len(), 3);
    fs::write(directory.path().join("list.txt"), "tcp://c.example.net:3\n").unwrap();
    fs::write(&path, text(200, "2s")).unwrap();
    assert!(!configured.have_changed());
    assert!(configured.have_changed());
    let same = configured.reload().unwrap();
    assert_eq!((same.targets.len(), same.modules.len()), (2, 0));
    assert_eq!(same.targets[0].spec, targets[0].spec);
    let limit = &same.targets[0]
        .assertions
        .as_ref()
        .unwrap()
        .outcome
        .latency_max[0];
    assert_eq!(limit.max, Duration::from_secs(2));

    fs::write(&path, text(404, "2s")).unwrap();
    let changed = configured.reload().unwrap();
    let count = changed.modules.len();
    assert!(count > 0);
    assert_ne!(changed.targets[0].spec, targets[0].spec);
    assert_eq!(changed.targets[1].spec, targets[1].spec, "it has no module");

    fs::write(&path, "interval = 1").unwrap();
    assert!(configured.reload().is_err());
    fs::write(&path, text(404, "2s")).unwrap();
    let same = configured.reload().unwrap();
    assert_eq!(
        (same.targets, same.modules.len()),
        (changed.targets.clone(), 0)
    );

    // Another module comes after all that the run has, and has its own time.
    let more = "[modules.y]\ntimeout = \"3s\"\n[[groups]]\nname = \"more\"\nmodule = \"y\"\n\
                targets = [\"http://y.example.net/\"]\n";
    fs::write(&path, format!("{}{more}", text(404, "2s"))).unwrap();
    let more = configured.reload().unwrap();
    assert_eq!(more.modules.len(), count);
    let deadlines = more.modules.iter().map(|(_, deadline)| *deadline);
    assert!(deadlines.eq(std::iter::repeat_n(Some(Duration::from_secs(3)), count)));
    let number = |target: &WatchedTarget| match target.spec {
        ProbeSpec::Http { module, .. } => usize::from(module.0),
        _ => panic!("{target:?}"),
    };
    assert_eq!(
        number(&more.targets[2]),
        number(&changed.targets[0]) + count
    );
}

#[test]
fn a_reload_notices_a_file_that_a_module_names() {
    let text = "[modules.x]\ntalk = \"talk.yml\"\n\
                [[groups]]\nname = \"a\"\nmodule = \"x\"\ntargets = [\"tcp://a:1\"]\n";
    let directory = directory(text);
    let script = directory.path().join("talk.yml");
    fs::write(&script, "[{expect: 'a'}]").unwrap();
    let (mut configured, targets) = load(&directory.path().join("sweep.toml")).unwrap();
    assert_eq!(configured.reload().unwrap().targets, targets);
    fs::write(&script, "[{expect: 'b'}]").unwrap();
    let changed = configured.reload().unwrap();
    assert!(!changed.modules.is_empty());
    assert_ne!(changed.targets, targets);
}
