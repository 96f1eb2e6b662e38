//! WebSocket frames (RFC 6455), written and read by hand, because half of the faults are malformed or truncated frames.

pub mod reader; // what a client sends

/// Opcodes of RFC 6455.
pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// The bit that marks the last fragment of a message.
const FINAL: u8 = 0x80;

/// Appends a whole message.
pub fn message(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    frame(FINAL | opcode, payload, out);
}

/// Appends a message in two fragments.
pub fn fragments(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    let (first, second) = payload.split_at(payload.len() / 2);
    frame(opcode, first, out);
    frame(FINAL | CONTINUATION, second, out);
}

/// Appends a close frame.
pub fn close(code: u16, reason: &str, out: &mut Vec<u8>) {
    let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
    message(CLOSE, &payload, out);
}

fn frame(first: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(first);
    match payload.len() {
        short @ 0..126 => out.push(short as u8),
        medium @ 126..0x1_0000 => {
            out.push(126);
            out.extend((medium as u16).to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend((long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}
