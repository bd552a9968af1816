//! What is behind an error, for a log line.

/// An error and its causes on one line. A cause whose text is in there already is left out: many drivers repeat the
/// texts of their causes in their own.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(error.source(), |cause| cause.source()).fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn each_cause_is_told_once() {
        let inner = Layer("connection refused", None);
        let driver = Layer("input/output error: connection refused", Some(Box::new(inner)));
        let outer = Layer("no answer", Some(Box::new(driver)));
        assert_eq!(chain(&outer), "no answer: input/output error: connection refused");
    }
}
