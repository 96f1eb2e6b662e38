//! Events as frames of v1 and v2.
//!
//! Written by hand into one buffer, because a benchmark is to measure the client and not `serde_json` without
//! optimisation.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::json;

use super::event::{Commit, Detail};
use super::log::Entry;

/// The alphabet of TIDs, which sort as text in the order of time.
const TID_ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// The alphabet of CIDs (RFC 4648, in lower case).
const BASE32_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The distance between the relay's numbers and the host's, so that a client that confuses the two fails.
const RELAY_OFFSET: u64 = 7_000_000_000;

/// Appends the v2 frame of an event.
pub(super) fn v2(entry: &Entry, out: &mut String) {
    let event = &entry.event;
    if let Detail::Raw(text) = &event.detail {
        return raw(entry, text, out);
    }
    let kind = event.detail.kind();
    let witnessed = time(entry.witnessed_us);
    let _ = write!(
        out,
        "{{\"$type\":\"message\",\"payload\":{{\"$type\":\"{}#{kind}\"",
        super::request::V2_METHOD
    );
    let _ = write!(out, ",\"seq\":{},\"did\":", entry.seq);
    string(&event.did, out);
    let _ = write!(out, ",\"time\":\"{witnessed}\"");
    let _ = write!(out, ",\"witnessedAt\":\"{witnessed}\",");
    match &event.detail {
        Detail::Commit(it) => commit(it, out),
        _ => upstream(entry, kind, out),
    }
    out.push_str("}}");
}

/// Appends the v1 frame of an event, or nothing for a sync event. `with_cursor` adds the `cursor` that hosts of the second release send in v1 too.
pub(super) fn v1(entry: &Entry, with_cursor: bool, out: &mut String) {
    let event = &entry.event;
    match &event.detail {
        Detail::Raw(text) => return raw(entry, text, out),
        Detail::Sync { .. } => return,
        _ => {}
    }
    let kind = event.detail.kind();
    out.push_str("{\"did\":");
    string(&event.did, out);
    let _ = write!(out, ",\"time_us\":{}", entry.witnessed_us);
    if with_cursor {
        let _ = write!(out, ",\"cursor\":{}", entry.seq);
    }
    let _ = write!(out, ",\"kind\":\"{kind}\",");
    match &event.detail {
        Detail::Commit(it) => {
            out.push_str("\"commit\":{");
            commit(it, out);
            out.push('}');
        }
        _ => upstream(entry, kind, out),
    }
    out.push('}');
}

/// The `#info` frame of v2.
pub(super) fn info(name: &str, message: &str) -> String {
    let payload =
        json!({"$type": format!("{}#info", super::request::V2_METHOD), "name": name, "message": message});
    json!({"$type": "message", "payload": payload}).to_string()
}

/// The final error frame of v2.
pub(super) fn error(name: &str, message: &str) -> String {
    json!({"$type": "error", "error": name, "message": message}).to_string()
}

/// Replaces the placeholders in the text of a raw frame.
pub(super) fn fill(text: &str, seq: u64, time_us: i64) -> String {
    text.replace("__SEQ__", &seq.to_string())
        .replace("__TIME_US__", &time_us.to_string())
        .replace("__TIME__", &time(time_us).to_string())
}

fn raw(entry: &Entry, text: &str, out: &mut String) {
    match text.contains("__") {
        true => out.push_str(&fill(text, entry.seq, entry.witnessed_us)),
        false => out.push_str(text),
    }
}

fn commit(commit: &Commit, out: &mut String) {
    out.push_str("\"rev\":\"");
    tid(commit.rev, out);
    out.push_str("\",\"operation\":\"");
    out.push_str(commit.operation);
    out.push_str("\",\"collection\":");
    string(&commit.collection, out);
    out.push_str(",\"rkey\":");
    string(&commit.rkey, out);
    if let Some(record) = &commit.record {
        out.push_str(",\"record\":");
        out.push_str(&record.json);
        out.push_str(",\"cid\":\"");
        cid(record.hash, out);
        out.push('"');
    }
}

/// The relay's own event inside those that are not commits.
fn upstream(entry: &Entry, kind: &str, out: &mut String) {
    let did = &*entry.event.did;
    let mut event =
        json!({"seq": entry.seq + RELAY_OFFSET, "did": did, "time": time(entry.witnessed_us).to_string()});
    match &entry.event.detail {
        Detail::Identity { handle } => event["handle"] = json!(&**handle),
        Detail::Account { active, status } => {
            event["active"] = json!(active);
            if let Some(status) = status {
                event["status"] = json!(status);
            }
        }
        Detail::Sync { rev } => {
            let mut text = String::new();
            tid(*rev, &mut text);
            event["rev"] = json!(text);
            event["blocks"] = json!({"$bytes": "OqJlcm9vdHOAZ3ZlcnNpb24B"});
        }
        Detail::Commit(_) | Detail::Raw(_) => {}
    }
    let _ = write!(out, "\"{kind}\":{event}");
}

/// A time with microseconds, as hosts write it.
fn time(us: i64) -> impl std::fmt::Display {
    std::fmt::from_fn(move |f| write!(f, "{:.6}", Timestamp::from_microsecond(us).unwrap_or_default()))
}

/// A string in JSON. Nearly all need no escape.
fn string(text: &str, out: &mut String) {
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.push_str(&json!(text).to_string());
        return;
    }
    out.push('"');
    out.push_str(text);
    out.push('"');
}

/// A revision as 13 characters of five bits.
fn tid(value: u64, out: &mut String) {
    for place in (0..13).rev() {
        out.push(char::from(TID_ALPHABET[((value >> (place * 5)) & 31) as usize]));
    }
}

/// A CID of version 1 that says: DAG-CBOR, SHA-256. The digest is made up, but differs between records.
fn cid(hash: u64, out: &mut String) {
    let mut bytes = [0x01, 0x71, 0x12, 0x20].to_vec();
    for word in 1..=4u64 {
        bytes.extend((hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    }
    out.push('b');
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in bytes {
        held = (held << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(BASE32_ALPHABET[((held >> bits) & 31) as usize]));
        }
    }
    if bits > 0 {
        out.push(char::from(BASE32_ALPHABET[((held << (5 - bits)) & 31) as usize]));
    }
}
