//! The id of a table: a hash of its records and of some properties, whatever its blocks are.

use std::io::Write as _;

use crate::ident::IdentHasher;

/// Computes a table's id record by record.
///
/// Hashed are `<length>key|<length>value|` for each record, lengths as decimal text, and then the
/// properties as a map.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableHasher {
    ident: IdentHasher,
}

impl TableHasher {
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.add_part(key);
        self.add_part(value);
    }

    pub(crate) fn finish<'a>(
        self,
        properties: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> [u8; 32] {
        self.ident.map(properties).finish()
    }

    fn add_part(&mut self, part: &[u8]) {
        // The longest length takes 20 digits.
        let mut digits = [0_u8; 20];
        let mut unused = digits.as_mut_slice();
        write!(unused, "{}", part.len()).expect("20 digits are enough for any length");
        let unused_len = unused.len();
        let used = digits.len() - unused_len;
        self.ident.put_raw(&digits[..used]);
        self.ident.put_raw(part);
        self.ident.put_raw(b"|");
    }
}
