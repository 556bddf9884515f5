//! Whether a binary is static.

/// The loader that an ELF file asks for; `None` for a static one, and for what is no ELF file.
///
/// A binary with a loader runs only where that loader and the libraries of its build lie.
pub fn interpreter(file: &[u8]) -> Option<String> {
    const PT_INTERP: u64 = 3;
    let wide = match file.get(..5)? {
        [0x7f, b'E', b'L', b'F', 1] => false,
        [0x7f, b'E', b'L', b'F', 2] => true,
        _ => return None,
    };
    let big_endian = *file.get(5)? == 2;
    let number = |at: usize, length: usize| {
        let bytes = file.get(at..at.checked_add(length)?)?;
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let value = match big_endian {
            true => bytes.iter().fold(0, add),
            false => bytes.iter().rev().fold(0, add),
        };
        usize::try_from(value).ok()
    };
    let word = if wide { 8 } else { 4 };
    let (table, sizes) = if wide { (0x20, 0x36) } else { (0x1c, 0x2a) };
    let (start, size, count) = (number(table, word)?, number(sizes, 2)?, number(sizes + 2, 2)?);
    for header in (0..count).map_while(|index| index.checked_mul(size)?.checked_add(start)) {
        if number(header, 4)? as u64 == PT_INTERP {
            let (offset, length) = if wide { (8, 0x20) } else { (4, 0x10) };
            let from = number(header.checked_add(offset)?, word)?;
            let length = number(header.checked_add(length)?, word)?;
            let name = file.get(from..from.checked_add(length)?)?;
            return Some(String::from_utf8_lossy(name).trim_end_matches('\0').to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_program_names_its_loader() {
        // The test itself is built without `crt-static`.
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(interpreter(&this).unwrap().starts_with('/'));
    }

    #[test]
    fn the_table_of_a_small_and_big_endian_file_is_read_too() {
        let mut file = vec![0; 0x80];
        file[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 1, 2]);
        file[0x1f] = 0x34;
        file[0x2b] = 0x20;
        file[0x2d] = 1;
        file[0x37] = 3;
        file[0x3b] = 0x70;
        file[0x47] = 6;
        file[0x70..0x76].copy_from_slice(b"/lib/l");
        assert_eq!(interpreter(&file).as_deref(), Some("/lib/l"));
        file[0x37] = 1;
        assert_eq!(interpreter(&file), None);
    }

    #[test]
    fn what_is_broken_has_no_loader() {
        for file in [&b""[..], b"#!/bin/sh\n", b"\x7fELF\x02\x01", &[0xff; 200]] {
            assert_eq!(interpreter(file), None);
        }
        let mut file = vec![0xff; 200];
        file[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        assert_eq!(interpreter(&file), None);
    }
}
