//! BTF of the kernel's, as far as attaching to a BPF program needs it: which function has which id.

/// `BTF_KIND_*`, as far as they are told apart here.
const INT: u32 = 1;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const DECL_TAG: u32 = 17;
const ENUM64: u32 = 19;

/// The id of the function called `name` in `btf`, which is a whole one (no module's), in this machine's byte order.
pub(crate) fn find_func(btf: &[u8], name: &str) -> Option<u32> {
    let word = |at: usize| Some(u32::from_ne_bytes(*btf.get(at..)?.first_chunk()?));
    let offset = |at: usize| usize::try_from(word(at)?).ok();
    let header = offset(4)?;
    let (types, end) = (header.checked_add(offset(8)?)?, offset(12)?);
    let (end, strings) = (types.checked_add(end)?, header.checked_add(offset(16)?)?);
    let is_called = |at: u32| {
        let text =
            strings.checked_add(at as usize).and_then(|at| btf.get(at..)).and_then(|rest| rest.get(..=name.len()));
        text.is_some_and(|text| text.split_last() == Some((&0, name.as_bytes())))
    };
    let (mut at, mut id) = (types, 1);
    while at < end {
        let info = word(at.checked_add(4)?)?;
        let (kind, vlen) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
        if kind == FUNC && is_called(word(at)?) {
            return Some(id);
        }
        let tail = match kind {
            INT | VAR | DECL_TAG => 4,
            ARRAY => 12,
            STRUCT | UNION | DATASEC | ENUM64 => 12 * vlen,
            ENUM | FUNC_PROTO => 8 * vlen,
            _ => 0,
        };
        at = at.checked_add(12 + tail)?;
        id += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header, types of so many words each, and strings.
    fn btf(types: &[&[u32]], strings: &[u8]) -> Vec<u8> {
        let types: Vec<u8> = types.concat().iter().flat_map(|word| word.to_ne_bytes()).collect();
        let header = [0, 24, 0, types.len() as u32, types.len() as u32, strings.len() as u32];
        let header = header.iter().flat_map(|word: &u32| word.to_ne_bytes());
        header.chain(types.iter().copied()).chain(strings.iter().copied()).collect()
    }

    #[test]
    fn functions_are_found_by_their_whole_name() {
        let strings = b"\0run\0runner\0";
        let func = |name: u32| [name, FUNC << 24 | 1, 2];
        let types: [&[u32]; 6] = [
            &[0, INT << 24, 4, 32],
            &[0, FUNC_PROTO << 24 | 1, 1, 0, 1],
            &[1, STRUCT << 24 | 2, 8, 0, 1, 0, 0, 1, 32],
            &func(5),
            &[1, VAR << 24, 1, 0],
            &func(1),
        ];
        let bytes = btf(&types, strings);
        assert_eq!(
            ["run", "runner", "ru", "", "nobody"].map(|name| find_func(&bytes, name)),
            [Some(6), Some(4), None, None, None]
        );
        for len in 0..bytes.len() - strings.len() {
            assert_eq!(find_func(&bytes[..len], "run"), None);
        }
    }
}
