//! As much of a certificate as an agent reads: its dates, RFC 5280 4.1.2.5.

use crate::time::Timestamp;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

const INTEGER: u8 = 2;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Returns the DER of a certificate that holds between these times.
pub(super) fn certificate(not_before: Timestamp, not_after: Timestamp) -> Vec<u8> {
    let date = |at: Timestamp| {
        let digits: Vec<u8> = format!("{at}").bytes().filter(u8::is_ascii_digit).take(14).chain([b'Z']).collect();
        element(GENERALIZED_TIME, &digits)
    };
    let version = element(VERSION, &element(INTEGER, &[2]));
    let [serial, algorithm, issuer] = [element(INTEGER, &[1]), element(SEQUENCE, &[]), element(SEQUENCE, &[])];
    let validity = element(SEQUENCE, &[date(not_before), date(not_after)].concat());
    element(SEQUENCE, &element(SEQUENCE, &[version, serial, algorithm, issuer, validity].concat()))
}

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    // Nothing here has more than 127 bytes.
    [&vec![tag, contents.len() as u8][..], contents].concat()
}
