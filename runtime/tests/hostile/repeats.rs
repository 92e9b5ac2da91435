//! Images at rest whose repeats no generator writes.

use skelgen_runtime::image::{MAX_IMAGE, STEP_SIZE};
use skelgen_runtime::{ImageDesc, ObjectDesc, Opened, Repeat};
use skelgen_tests::random::Random;

use super::{Image, describe, model, refused};

/// A description whose image has repeats, and its first.
fn sound() -> (ObjectDesc<'static>, Repeat) {
    let desc = describe("agent");
    Opened::new(&desc).unwrap();
    (desc, desc.image.repeats[0])
}

/// As `desc`, with other repeats.
fn with<'a>(desc: &ObjectDesc<'a>, repeats: &'a [Repeat]) -> ObjectDesc<'a> {
    ObjectDesc { image: ImageDesc { repeats, ..desc.image }, ..*desc }
}

#[test]
fn a_wrong_repeat_is_refused() {
    let (desc, first) = sound();
    let Repeat { to, from, len, .. } = first;
    let whole = desc.image.len;
    let wrong = [
        ("before the image's first bytes", Repeat { to: 0, from: 0, ..first }),
        ("from where it is", Repeat { from: to, ..first }),
        ("from what overlaps it", Repeat { from: to - len + 8, ..first }),
        ("from behind it", Repeat { from: to + len, ..first }),
        ("from behind the image", Repeat { from: whole, ..first }),
        ("from the end of numbers", Repeat { from: u32::MAX - 4, ..first }),
        ("to behind the image", Repeat { to: whole, ..first }),
        ("to the end of numbers", Repeat { to: u32::MAX, ..first }),
        ("longer", Repeat { len: len + 8, ..first }),
        ("shorter", Repeat { len: len - 8, ..first }),
        ("of nothing", Repeat { len: 0, ..first }),
        ("of all numbers", Repeat { len: u32::MAX, ..first }),
        ("of records of no bytes", Repeat { stride: 0, add: 1, ..first }),
        ("of records shorter than a word", Repeat { stride: 2, add: 1, ..first }),
        ("of records that are not whole", Repeat { stride: len + 8, add: 1, ..first }),
        ("of the longest records", Repeat { stride: u32::MAX, add: 1, ..first }),
    ];
    for (what, repeat) in wrong {
        let mut repeats = desc.image.repeats.to_vec();
        repeats[0] = repeat;
        refused(&with(&desc, &repeats), what);
    }
    // That the first is what is wrong is no accident: any of them can be.
    assert!(from + len <= to && desc.image.repeats.len() > 3);
    for index in 0..desc.image.repeats.len() {
        let mut repeats = desc.image.repeats.to_vec();
        repeats[index].from = repeats[index].to;
        refused(&with(&desc, &repeats), &format!("repeat {index} of itself"));
        let _ = repeats.remove(index);
        refused(&with(&desc, &repeats), &format!("without repeat {index}"));
        repeats.insert(0, desc.image.repeats[index]);
        if index > 0 {
            refused(&with(&desc, &repeats), &format!("repeat {index} in front"));
        }
    }
    let twice: Vec<_> = desc.image.repeats.iter().flat_map(|&repeat| [repeat; 2]).collect();
    refused(&with(&desc, &twice), "twice");
}

#[test]
fn a_wrong_length_is_refused() {
    let (desc, _) = sound();
    let ImageDesc { len, bytes, repeats } = desc.image;
    for wrong in [0, len - 1, len + 1, MAX_IMAGE, MAX_IMAGE + 1, u32::MAX] {
        refused(&ObjectDesc { image: ImageDesc { len: wrong, ..desc.image }, ..desc }, &format!("{wrong} of {len}"));
    }
    refused(&ObjectDesc { image: ImageDesc { bytes: &bytes[..bytes.len() - 1], ..desc.image }, ..desc }, "cut");
    refused(&ObjectDesc { image: ImageDesc { repeats: &[], ..desc.image }, ..desc }, "without its repeats");
    // Short lists that would be a long image.
    let many = vec![Repeat::equal(8, 0, u32::MAX); 1000];
    refused(&with(&desc, &many), "4 TB");
    let doubling = |end: u32| (3..end).map(|power| Repeat::equal(1 << power, 0, 1 << power)).collect::<Vec<_>>();
    let [short, long] = [doubling(20), doubling(29)];
    let image = ImageDesc { len: 1 << 20, bytes: &[0; 8], repeats: &short };
    assert_eq!(image.expand().unwrap().len(), 1 << 20);
    assert!(ImageDesc { len: 1 << 29, repeats: &long, ..image }.expand().is_err());
    assert!(!repeats.is_empty());
}

#[test]
fn records_are_checked_as_repeats_make_them() {
    let (desc, _) = sound();
    let Image { mut bytes, header } = Image::of(&desc);
    // The second record becomes the first, with another op.
    let (from, to, len) = (header.steps, header.steps + STEP_SIZE, STEP_SIZE);
    let first = bytes[from as usize..to as usize].to_vec();
    bytes.drain(to as usize..(to + len) as usize);
    let image = |repeats| ImageDesc { len: desc.image.len, bytes: &bytes, repeats };
    let equal = [Repeat::equal(to, from, len)];
    let whole = image(&equal).expand().unwrap();
    assert_eq!(whole[to as usize..][..len as usize], first);
    Opened::new(&ObjectDesc { image: image(&equal), ..desc }).unwrap();
    let other_op = [Repeat::moved(to, from, len, len, 0xff)];
    refused(&ObjectDesc { image: image(&other_op), ..desc }, "a record that a repeat makes");
}

#[test]
fn whatever_is_taken_of_changed_repeats_is_harmless() {
    let mut random = Random::new();
    let (desc, _) = sound();
    let mut taken = 0;
    for round in 0..2000 {
        let mut repeats = desc.image.repeats.to_vec();
        for _ in 0..=random.below(2) {
            let index = random.below(repeats.len());
            let near = random.below(desc.image.len as usize) as u32;
            let any = random.number().cast_unsigned();
            let word = random.pick(&[near, near & !7, 0, 4, 8, 16, any]);
            let repeat = &mut repeats[index];
            match random.below(5) {
                0 => repeat.to = word,
                1 => repeat.from = word,
                2 => repeat.len = word,
                3 => repeat.stride = word,
                _ => repeat.add = word.cast_signed(),
            }
        }
        let changed = with(&desc, &repeats);
        if Opened::new(&changed).is_ok() {
            taken += 1;
            let seed = random.next();
            model::run(&changed, Random(seed)).unwrap_or_else(|why| panic!("round {round}, seed {seed}: {why}"));
        }
    }
    assert!(taken > 100, "{taken} were taken");
}
