//! Finds what a misspelled word is meant to be.

/// How much a word must be like another to be taken for a slip, from 0 to 1.
const SIMILARITY_MIN: f64 = 0.75;
/// How much a short word is like one that differs in one letter, or in the order of two: by the measure of
/// longer words they have little in common.
const ONE_SLIP: f64 = 0.8;
/// The shortest word that may have such a slip.
const SLIP_LETTERS_MIN: usize = 3;

/// `; did you mean WORD?` with the known word that is most like this one, regardless of case. Empty if
/// none is like it.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let word = word.to_lowercase();
    let similarity = |known: &str| {
        let known = known.to_lowercase();
        let similarity = strsim::jaro_winkler(&word, &known);
        let is_short = word.len().min(known.len()) < SLIP_LETTERS_MIN;
        match strsim::osa_distance(&word, &known) {
            1 if !is_short => similarity.max(ONE_SLIP),
            _ => similarity,
        }
    };
    let closest = known
        .into_iter()
        .map(|known| (similarity(known), known))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    closest.map_or(String::new(), |(_, known)| {
        format!("; did you mean {known}?")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_word_is_suggested_and_none_that_is_not_similar() {
        let known = ["NXDOMAIN", "NOERROR", "TIMEOUT"];
        assert_eq!(suggestion("nxdomian", known), "; did you mean NXDOMAIN?");
        assert_eq!(suggestion("TIMEOT", known), "; did you mean TIMEOUT?");
        assert_eq!(suggestion("prt", ["ptr", "tcp"]), "; did you mean ptr?");
        assert_eq!(suggestion("a", ["b", "mx"]), "");
        assert_eq!(suggestion("banana", known), "");
        assert_eq!(suggestion("", known), "");
    }
}
