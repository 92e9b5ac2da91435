//! Which name was meant.

/// The name that takes the fewest changes of a character, if they are few enough to be a slip.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = name.chars().count().max(3) / 3;
    let near = names.map(|other| (distance(name, other), other)).filter(|(distance, _)| *distance <= most);
    near.min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

/// How many characters have to be put in, taken out or replaced, or swapped with the next, to make one name the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<_>, Vec<_>) = (one.chars().collect(), other.chars().collect());
    // Rows of the table of distances between beginnings of the two.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let replaced = last[j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("hits", "hist", 1),
            ("hits", "hit", 1),
            ("pid", "last_pid", 5),
            ("ab", "ba", 1),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
        }
    }

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
