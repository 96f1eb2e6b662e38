//! What a client sends: its WebSocket frames, in a loop beside the one that sends.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc::UnboundedSender;

use super::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

/// The size of the largest message of a client that v1 accepts.
const MAX_MESSAGE: usize = 10_000_000;

/// The codes with which a client's mistakes are answered.
const PROTOCOL_ERROR: u16 = 1002;
const MESSAGE_TOO_BIG: u16 = 1009;

/// The code that stands for a close frame without one.
pub const NO_STATUS: u16 = 1005;

/// A message of the client, or its end.
#[derive(Debug)]
pub enum Incoming {
    Text(Vec<u8>),
    Binary,
    Ping(Vec<u8>),
    Pong,
    Close(u16),
    /// A mistake, and the code that answers it.
    Broken(u16),
    /// The TCP connection ended.
    Gone,
}

/// The client's half of a connection.
struct Reader {
    half: OwnedReadHalf,
    buffer: Vec<u8>,
    /// The fragments of the message so far, and what it began as.
    message: Option<(u8, Vec<u8>)>,
}

/// Reads until the client is gone, and then waits to be dropped. `rest` is what came with the request.
pub async fn run(half: OwnedReadHalf, rest: Vec<u8>, to: UnboundedSender<Incoming>) {
    let mut reader = Reader { half, buffer: rest, message: None };
    loop {
        let incoming = reader.next().await.unwrap_or(Incoming::Gone);
        let is_last = matches!(incoming, Incoming::Gone | Incoming::Broken(_));
        if to.send(incoming).is_err() || is_last {
            return std::future::pending().await;
        }
    }
}

impl Reader {
    async fn next(&mut self) -> io::Result<Incoming> {
        loop {
            self.fill(2).await?;
            let (first, second) = (self.buffer[0], self.buffer[1]);
            if second & 0x80 == 0 || first & 0x70 != 0 {
                return Ok(Incoming::Broken(PROTOCOL_ERROR));
            }
            let extended = match second & 0x7f {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            let header = 2 + extended + 4;
            self.fill(header).await?;
            let long =
                self.buffer[2..2 + extended].iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            let length = if extended == 0 { usize::from(second & 0x7f) } else { long };
            if length > MAX_MESSAGE {
                return Ok(Incoming::Broken(MESSAGE_TOO_BIG));
            }
            self.fill(header + length).await?;
            let mut payload: Vec<u8> = self.buffer.drain(..header + length).collect();
            let mask: Vec<u8> = payload[header - 4..header].to_vec();
            payload.drain(..header);
            payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
            if let Some(incoming) = self.take(first, payload) {
                return Ok(incoming);
            }
        }
    }

    /// Takes a frame in. Returns what it completes.
    fn take(&mut self, first: u8, payload: Vec<u8>) -> Option<Incoming> {
        match (first & 0x0f, self.message.take()) {
            (CLOSE, _) => {
                let code = payload.first_chunk().map_or(NO_STATUS, |code| u16::from_be_bytes(*code));
                return Some(Incoming::Close(code));
            }
            (PING, message) => {
                self.message = message;
                return Some(Incoming::Ping(payload));
            }
            (PONG, message) => {
                self.message = message;
                return Some(Incoming::Pong);
            }
            (opcode @ (TEXT | BINARY), None) => self.message = Some((opcode, payload)),
            (CONTINUATION, Some((opcode, so_far))) => {
                self.message = Some((opcode, [so_far, payload].concat()))
            }
            _ => return Some(Incoming::Broken(PROTOCOL_ERROR)),
        }
        if self.message.as_ref().is_some_and(|(_, so_far)| so_far.len() > MAX_MESSAGE) {
            return Some(Incoming::Broken(MESSAGE_TOO_BIG));
        }
        if first & 0x80 == 0 {
            return None;
        }
        self.message.take().map(|(opcode, payload)| match opcode {
            TEXT => Incoming::Text(payload),
            _ => Incoming::Binary,
        })
    }

    /// Reads until the buffer has so many bytes.
    async fn fill(&mut self, length: usize) -> io::Result<()> {
        while self.buffer.len() < length {
            if self.half.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}
