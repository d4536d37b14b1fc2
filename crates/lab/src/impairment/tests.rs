use super::*;

#[test]
fn every_key_can_be_set_and_changes_something() {
    for (key, value_name, _) in KEYS {
        let value = match *value_name {
            "" => "",
            "D" => "17ms",
            "PCT" => "3%",
            "QPS" | "N" | "S" => "9",
            "HOW" => "refused",
            "CIDR" => "127.3.0.0/16",
            other => panic!("{key} has a value of an unknown kind: {other}"),
        };
        let mut impairments = Impairments::default();
        assert_eq!(impairments.set(key, value), Ok(()), "{key}");
        assert_ne!(impairments, Impairments::default(), "{key}");
    }
}

#[test]
fn a_list_reads_as_its_items() {
    let read: Impairments =
        "delay=20ms,loss=10%,no-edns,tcp-serial=true,dead=127.0.0.2,dead=127.0.1.0/24"
            .parse()
            .unwrap();
    assert_eq!(
        read,
        Impairments {
            delay: Duration::from_millis(20),
            loss: "10%".parse().unwrap(),
            no_edns: true,
            tcp_serial: true,
            dead: vec![
                "127.0.0.2/32".parse().unwrap(),
                "127.0.1.0/24".parse().unwrap()
            ],
            ..Impairments::default()
        }
    );
    assert_eq!("".parse(), Ok(Impairments::default()));
}

#[test]
fn errors_name_what_was_given() {
    let error = |text: &str| text.parse::<Impairments>().unwrap_err().to_string();
    assert_eq!(error("speed=9"), "unknown impairment \"speed\"");
    assert_eq!(error("delay=9ms,"), "unknown impairment \"\"");
    assert_eq!(
        error("loss=200%"),
        "invalid value \"200%\" for loss: expected a percentage from 0 to 100, such as 10% or 0.5%"
    );
    assert_eq!(
        error("over=loud"),
        "invalid value \"loud\" for over: expected silent, refused or slip"
    );
    for item in [
        "rate-cap=0",
        "delay=5",
        "dead=127.0.0.1/8",
        "no-edns=maybe",
        "seed=-1",
        "reset-at=-1",
        "time-skew=1s",
        "time-skew=99999999999",
    ] {
        assert!(item.parse::<Impairments>().is_err(), "{item}");
    }
}
