//! Classes of HTTP status codes (RFC 9110 §15): 1xx to 5xx.

/// The number of classes.
pub(crate) const HTTP_CLASSES: usize = 5;

/// The index of the class of `code`: 0 for 1xx, 4 for 5xx. `None` for a code without a class.
pub(crate) fn http_class(code: u16) -> Option<usize> {
    let class = usize::from(code / 100).checked_sub(1)?;
    (class < HTTP_CLASSES).then_some(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_three_digits_is_the_class() {
        for (code, class) in [
            (99, None),
            (100, Some(0)),
            (204, Some(1)),
            (404, Some(3)),
            (599, Some(4)),
            (600, None),
            (999, None),
        ] {
            assert_eq!(http_class(code), class, "{code}");
        }
    }
}
