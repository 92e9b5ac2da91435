//! Which name was meant.

use strsim::osa_distance;

/// The name that takes the fewest changes of a character, if they are few enough to be a slip.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = name.chars().count().max(3) / 3;
    let near = names.map(|other| (osa_distance(name, other), other)).filter(|(distance, _)| *distance <= most);
    near.min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_name_is_not() {
        let names = ["hits", "errors", "last_pid", "x"];
        let meant = |name| nearest(name, names.into_iter());
        assert_eq!(
            ["hist", "error", "lastpid", "y"].map(meant),
            [Some("hits"), Some("errors"), Some("last_pid"), Some("x")]
        );
        assert_eq!(["calls", "pid", "terrors_of_hits"].map(meant), [None; 3]);
        assert_eq!(nearest("hits", [].into_iter()), None);
    }
}
