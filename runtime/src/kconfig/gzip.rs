//! `/proc/config.gz` unpacked: a gzip file (RFC 1952) of one member.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;

/// Bits of a header's flags: what stands between header and data.
mod flag {
    pub(super) const HCRC: u8 = 2;
    pub(super) const EXTRA: u8 = 4;
    pub(super) const NAME: u8 = 8;
    pub(super) const COMMENT: u8 = 16;
    pub(super) const RESERVED: u8 = 0xe0;
}

/// What the file holds.
///
/// # Errors
///
/// What is wrong with the file, or that it holds more than `most` bytes.
pub(super) fn unpack(file: &[u8], most: usize) -> Result<Vec<u8>, String> {
    let short = || "it ends too soon".to_owned();
    let (data, trailer) = data(file)?.split_last_chunk::<8>().ok_or_else(short)?;
    let [c0, c1, c2, c3, l0, l1, l2, l3] = *trailer;
    let (crc, len) = (u32::from_le_bytes([c0, c1, c2, c3]), u32::from_le_bytes([l0, l1, l2, l3]));
    if len as usize > most {
        return Err(format!("it holds {len} bytes, of {most} at most"));
    }
    let unpacked = decompress_to_vec_with_limit(data, len as usize)
        .map_err(|error| format!("its data is damaged ({:?})", error.status))?;
    if unpacked.len() != len as usize {
        return Err(format!("it holds {} bytes and says {len}", unpacked.len()));
    }
    if crc32(&unpacked) != crc {
        return Err("its checksum is wrong".to_owned());
    }
    Ok(unpacked)
}

/// What is behind the header.
fn data(file: &[u8]) -> Result<&[u8], String> {
    let Some((&[m0, m1, method, flags, ..], rest)) = file.split_first_chunk::<10>() else {
        return Err("it ends in its header".to_owned());
    };
    if [m0, m1] != MAGIC || method != DEFLATE || flags & flag::RESERVED != 0 {
        return Err("its header is of another kind".to_owned());
    }
    let after_header = || {
        let mut rest = rest;
        if flags & flag::EXTRA != 0 {
            let (len, extra) = rest.split_first_chunk()?;
            rest = extra.get(u16::from_le_bytes(*len).into()..)?;
        }
        for text in [flag::NAME, flag::COMMENT] {
            if flags & text != 0 {
                let end = rest.iter().position(|&byte| byte == 0)?;
                rest = &rest[end + 1..];
            }
        }
        if flags & flag::HCRC != 0 {
            rest = rest.get(2..)?;
        }
        Some(rest)
    };
    after_header().ok_or_else(|| "it ends in its header".to_owned())
}

/// The checksum of gzip and Ethernet.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    };
    !bytes.iter().fold(u32::MAX, |crc, &byte| crc >> 8 ^ TABLE[(crc as u8 ^ byte) as usize])
}

#[cfg(test)]
mod tests {
    use skelgen_tests::random::Random;

    use super::*;

    const MOST: usize = 1 << 20;

    /// `echo CONFIG_HZ=250 | gzip -n`, with what `flags` say in its header.
    fn packed(flags: u8, between: &[u8]) -> Vec<u8> {
        const DATA: [u8; 24] = [
            0x73, 0xf6, 0xf7, 0x73, 0xf3, 0x74, 0x8f, 0xf7, 0x88, 0xb2, 0x35, 0x32, 0x35, 0xe0, 0x02, 0x00, 0xfb, 0x5f,
            0x3a, 0x01, 0x0e, 0x00, 0x00, 0x00,
        ];
        [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3][..], between, &DATA].concat()
    }

    #[test]
    fn a_file_is_unpacked_whatever_its_header_has() {
        let table: [(u8, &[u8]); 7] = [
            (0, b""),
            (1, b""),
            (flag::NAME, b"config\0"),
            (flag::COMMENT, b"a comment\0"),
            (flag::HCRC, b"\x12\x34"),
            (flag::EXTRA, b"\x03\x00abc"),
            (flag::EXTRA | flag::NAME | flag::COMMENT | flag::HCRC, b"\x00\x00name\0\0\x12\x34"),
        ];
        for (flags, between) in table {
            assert_eq!(unpack(&packed(flags, between), MOST).unwrap(), b"CONFIG_HZ=250\n", "{flags}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let good = packed(0, b"");
        let len = good.len();
        let changed = |at: usize, byte: u8| {
            let mut file = good.clone();
            file[at] = byte;
            unpack(&file, MOST).unwrap_err()
        };
        assert_eq!(changed(0, 0), "its header is of another kind");
        assert_eq!(changed(2, 7), "its header is of another kind");
        assert_eq!(changed(3, 0x80), "its header is of another kind");
        assert_eq!(changed(3, flag::EXTRA), "it ends in its header");
        assert_eq!(changed(10, 7), "its data is damaged (Failed)");
        assert_eq!(changed(len - 8, !good[len - 8]), "its checksum is wrong");
        assert_eq!(changed(len - 4, 15), "it holds 14 bytes and says 15");
        assert_eq!(changed(len - 4, 13), "its data is damaged (HasMoreOutput)");
        assert_eq!(changed(len - 1, 0xff), "it holds 4278190094 bytes, of 1048576 at most");
        assert_eq!(unpack(&good[..9], MOST).unwrap_err(), "it ends in its header");
        assert_eq!(unpack(&good[..17], MOST).unwrap_err(), "it ends too soon");
        assert_eq!(unpack(&good, 13).unwrap_err(), "it holds 14 bytes, of 13 at most");
    }

    #[test]
    fn any_bytes_are_unpacked_or_refused() {
        let mut random = Random::new();
        let good = packed(flag::NAME, b"config\0");
        for _ in 0..20_000 {
            let mut file = good.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(file.len());
                file[at] = random.next() as u8;
            }
            file.truncate(random.below(2 * good.len()));
            if let Ok(unpacked) = unpack(&file, MOST) {
                // Time, system and name can be anything.
                assert_eq!(unpacked, b"CONFIG_HZ=250\n");
            }
        }
    }

    #[test]
    fn checksums_are_those_of_gzip() {
        assert_eq!((crc32(b""), crc32(b"123456789")), (0, 0xcbf4_3926));
    }
}
