//! What is behind the last whole entry of a write-ahead log.
//!
//! Badger takes whatever cannot be read for the end, and cuts the log off there. We ask whether it can
//! be what a killed process leaves. The log is a mapped file, entries are copied into it one after the
//! other, and a process is most easily killed where its copy meets a page that is not there yet: so
//! there is the beginning of one entry, up to the end of a page. Go's copy of more than 256 bytes begins at
//! an address that is a multiple of its registers' size and stores what is before it last, so that this may
//! be zeros.
//!
//! ```text
//! ... whole | whole | beginning of an entry | 0 0 0 ...           torn: dropped
//! ... whole | whole | 0 0 0 | some of an entry | 0 0 0 ...        torn: dropped
//! ... whole | whole | complete, wrong checksum | 0 0 0 ...        damaged
//! ... whole | unreadable | whole ...                              damaged
//! ```
//!
//! A changed length makes a complete entry look like a beginning. So what looks like one is damaged
//! if changing a single byte back makes it a whole entry.

use rustix::fs::SeekFrom;
use rustix::fs::seek;
use rustix::io::Errno;

use crate::Error;
use crate::coding::VERSION_BYTES;
use crate::log_file::EntryHeader;
use crate::log_file::LONGEST_ENTRY_HEADER;
use crate::log_file::LogFile;
use crate::source_file::SourceFile;
use crate::stored::UNUSED;

/// How much is looked at for zeros at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Badger refuses longer keys.
const LONGEST_KEY: u64 = 65_000 + VERSION_BYTES as u64;
/// Meta and user meta: all that a header can have before its lengths.
const SHORTEST_HEADER: u64 = 2;
const CHECKSUM_BYTES: u64 = 4;
/// The smallest registers that a copy uses; the larger ones are multiples of it.
const REGISTER_BYTES: u64 = 16;
/// No copy stores more than this at its end.
const MOST_STORED_LAST: usize = 64;

/// What a log ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing but zeros.
    Clean,
    /// An entry that was being written when the process ended.
    Torn,
}

/// Returns what is behind `offset`, where there is no whole entry, or fails where it is damage.
pub(crate) fn inspect(log: &mut LogFile, offset: u64) -> Result<Tail, Error> {
    let end = end_of_data(log.file(), offset)?;
    if end == offset {
        return Ok(Tail::Clean);
    }
    if let Some(next) = find_entry(log, offset + 1, end)? {
        let reason = format!("an entry is unreadable, and another one follows at byte {next}");
        return Err(log.file().damaged(offset, reason));
    }
    if is_one_byte_from_whole(log, offset, end)? {
        return Err(log.file().damaged(offset, "a byte of the last entry was changed"));
    }
    if lacks_first_bytes(log, offset)? || is_beginning(log, offset, end)? {
        return Ok(Tail::Torn);
    }
    Err(log.file().damaged(offset, "an entry does not have its checksum"))
}

/// Whether there are zeros from `offset` up to where a copy begins, and not many more.
fn lacks_first_bytes(log: &mut LogFile, offset: u64) -> Result<bool, Error> {
    let bytes = log.bytes(offset, MOST_STORED_LAST + 1)?;
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let copied_from = (offset + 1).next_multiple_of(REGISTER_BYTES);
    Ok(zeros <= MOST_STORED_LAST && offset + zeros as u64 >= copied_from)
}

/// Whether the entry at `offset` would go on behind `end`, at the latest with its checksum.
fn is_beginning(log: &mut LogFile, offset: u64, end: u64) -> Result<bool, Error> {
    if end - offset <= SHORTEST_HEADER {
        return Ok(true);
    }
    let mut header = log.bytes(offset, LONGEST_ENTRY_HEADER)?.to_vec();
    // As if the file went on with zeros.
    header.resize(LONGEST_ENTRY_HEADER, 0);
    let Some(header) = EntryHeader::parse(&header) else { return Ok(false) };
    Ok(header.key_length > 0 && offset + header.checked_length() >= end)
}

/// The first whole entry that begins at `from` or later and before `end`.
fn find_entry(log: &mut LogFile, from: u64, end: u64) -> Result<Option<u64>, Error> {
    for offset in from..end {
        if may_begin_entry(log, offset)? && log.entry(offset)?.is_some() {
            return Ok(Some(offset));
        }
    }
    Ok(None)
}

/// Tells most bytes apart from a header without reading all of the entry: versions are far from the
/// largest number, so that they begin with two bytes `ff`.
fn may_begin_entry(log: &mut LogFile, offset: u64) -> Result<bool, Error> {
    let bytes = log.bytes(offset, LONGEST_ENTRY_HEADER)?;
    if bytes.first().is_none_or(|meta| meta & UNUSED != 0) {
        return Ok(false);
    }
    let Some(header) = EntryHeader::parse(bytes) else { return Ok(false) };
    if !(VERSION_BYTES as u64 + 1..=LONGEST_KEY).contains(&header.key_length) {
        return Ok(false);
    }
    let version = offset + header.length + header.key_length - VERSION_BYTES as u64;
    Ok(log.bytes(version, 2)? == [0xff, 0xff])
}

/// Whether the bytes from `offset` to `end` are a whole entry with one byte of its header changed.
fn is_one_byte_from_whole(log: &mut LogFile, offset: u64, end: u64) -> Result<bool, Error> {
    let original = log.bytes(offset, LONGEST_ENTRY_HEADER)?.to_vec();
    let mut changed = original.clone();
    for at in 0..original.len() {
        for byte in 0..=u8::MAX {
            changed[at] = byte;
            let Some(header) = EntryHeader::parse(&changed) else { continue };
            let header_length = usize::try_from(header.length).unwrap_or(usize::MAX);
            if at < header_length && ends_at(&header, offset, end, log.file().length()) {
                let begun = crc32c::crc32c(&changed[..header_length.min(changed.len())]);
                let rest = header.key_length + header.value_length;
                let checksum = log.checksum_onto(begun, offset + header.length, rest)?;
                let stored = log.bytes(offset + header.checked_length(), 4)?;
                if *stored == checksum.to_be_bytes() {
                    return Ok(true);
                }
            }
        }
        changed[at] = original[at];
    }
    Ok(false)
}

/// Whether an entry with that header ends where the data does. The last bytes of its checksum may be
/// zeros.
fn ends_at(header: &EntryHeader, offset: u64, end: u64, file_length: u64) -> bool {
    let entry_end = offset + header.entry_length();
    (end..end + CHECKSUM_BYTES).contains(&entry_end) && entry_end <= file_length
}

/// Where the last byte from `from` on that is not zero ends; `from` where all are. Steps over holes: the
/// files are mostly holes.
fn end_of_data(file: &SourceFile, from: u64) -> Result<u64, Error> {
    let mut end = from;
    let mut offset = from;
    while offset < file.length() {
        let (start, stop) = data_from(file, offset);
        offset = start;
        while offset < stop {
            let left = usize::try_from(stop - offset).unwrap_or(usize::MAX);
            let piece = file.read_up_to(offset, left.min(PIECE_BYTES))?;
            if let Some(last) = piece.iter().rposition(|&byte| byte != 0) {
                end = offset + last as u64 + 1;
            }
            offset += (piece.len() as u64).max(1);
        }
    }
    Ok(end)
}

/// The next stretch of `file` that is no hole, from `offset` on. All of the rest where the file system
/// cannot tell.
fn data_from(file: &SourceFile, offset: u64) -> (u64, u64) {
    let start = match seek(file.file(), SeekFrom::Data(offset)) {
        Ok(start) => start.clamp(offset, file.length()),
        Err(Errno::NXIO) => return (file.length(), file.length()),
        Err(_) => return (offset, file.length()),
    };
    let stop = seek(file.file(), SeekFrom::Hole(start)).unwrap_or(file.length());
    (start, stop.clamp(start + 1, file.length().max(start + 1)))
}
