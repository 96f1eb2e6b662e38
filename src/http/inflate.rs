//! Decompression of gzip in portions, so that no body keeps a thread from other requests.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Number of bytes to consume or produce before other requests on the same thread get their turn: a fraction of a
/// millisecond of work.
const PORTION_BYTES: usize = 64 * 1024;

/// Number of bytes to produce at once.
const BUFFER_BYTES: usize = 16 * 1024;

/// Work of starting a member, in bytes that could be decompressed meanwhile.
const MEMBER_BYTES: usize = 2 * 1024;

/// Number of members that a body may have, however short they are.
const MEMBERS_MAX: usize = 256;

/// Average number of bytes of further members. A log of separately compressed posts has more; empty members have no
/// use, and each costs as much as thousands of bytes of text.
const BYTES_PER_MEMBER: usize = 256;

/// Reason why a body was not decompressed.
#[derive(Debug)]
pub enum InflateError<E> {
    /// The output was refused.
    Refused(E),
    /// It is not valid gzip.
    Malformed(io::Error),
    /// It consists of too many members for what they contain.
    TooManyMembers,
}

/// Decompresses all members of a body and passes the output to `output` piece by piece.
///
/// # Errors
/// If it is not valid gzip, has too many members, or `output` refuses a piece.
pub async fn inflate<E>(
    compressed: &[u8],
    mut output: impl AsyncFnMut(&[u8]) -> Result<(), E>,
) -> Result<(), InflateError<E>> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut decoder = GzDecoder::new(Portion { bytes: compressed, n_left: PORTION_BYTES });
    let (mut n_members, mut n_inflated, mut n_since_yield) = (1_usize, 0_usize, 0_usize);
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => {
                let Portion { bytes, n_left } = *decoder.get_ref();
                if bytes.is_empty() {
                    return Ok(());
                }
                n_members += 1;
                if n_members > MEMBERS_MAX + n_inflated / BYTES_PER_MEMBER {
                    return Err(InflateError::TooManyMembers);
                }
                n_since_yield += MEMBER_BYTES;
                decoder.reset(Portion { bytes, n_left });
            }
            Ok(n_bytes) => {
                let piece = buffer.get(..n_bytes).unwrap_or_default();
                output(piece).await.map_err(InflateError::Refused)?;
                n_inflated += n_bytes;
                n_since_yield += n_bytes;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => n_since_yield = PORTION_BYTES,
            Err(error) => return Err(InflateError::Malformed(error)),
        }
        if n_since_yield >= PORTION_BYTES {
            tokio::task::yield_now().await;
            n_since_yield = 0;
            decoder.get_mut().n_left = PORTION_BYTES;
        }
    }
}

/// Compressed bytes, of which the decoder gets a portion at a time: a body may consume megabytes without output.
#[derive(Clone, Copy)]
struct Portion<'a> {
    bytes: &'a [u8],
    /// Number of bytes until the decoder has to stop.
    n_left: usize,
}

impl Read for Portion<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.fill_buf()?.read(buffer)?;
        self.consume(n_bytes);
        Ok(n_bytes)
    }
}

impl BufRead for Portion<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.n_left == 0 && !self.bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(self.bytes.get(..self.n_left).unwrap_or(self.bytes))
    }

    fn consume(&mut self, n_bytes: usize) {
        self.n_left = self.n_left.saturating_sub(n_bytes);
        self.bytes = self.bytes.get(n_bytes..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write as _;
    use std::pin::pin;
    use std::task::Poll;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// Decompresses, and returns the text and the number of turns that it took.
    async fn inflated(compressed: &[u8]) -> Result<(Vec<u8>, usize), InflateError<()>> {
        let (mut text, mut n_turns) = (Vec::new(), 0);
        let outcome = {
            let mut whole = pin!(inflate(compressed, async |piece: &[u8]| {
                text.extend_from_slice(piece);
                Ok(())
            }));
            poll_fn(|context| {
                n_turns += 1;
                let polled = whole.as_mut().poll(context);
                if polled.is_pending() { Poll::Pending } else { polled }
            })
            .await
        };
        outcome.map(|()| (text, n_turns))
    }

    /// A member of one megabyte that contains nothing: blocks without bytes.
    fn empty_blocks() -> Vec<u8> {
        let mut member = gzip(b"");
        let blocks = [0, 0, 0, 0xff, 0xff].repeat((1 << 20) / 5);
        member.splice(10..10, blocks);
        member
    }

    #[tokio::test]
    async fn every_portion_of_work_is_followed_by_a_turn_of_others() {
        let text = "so it goes; ".repeat(100_000);
        let (inflated_text, n_turns) = inflated(&gzip(text.as_bytes())).await.unwrap();
        assert_eq!(inflated_text, text.as_bytes());
        assert!(n_turns >= text.len() / (2 * PORTION_BYTES), "{n_turns} turns");
        let (nothing, n_turns) = inflated(&empty_blocks()).await.unwrap();
        assert!(nothing.is_empty());
        assert!(n_turns >= (1 << 20) / PORTION_BYTES, "{n_turns} turns");
        let (nothing, n_turns) = inflated(&gzip(b"").repeat(MEMBERS_MAX)).await.unwrap();
        assert!(nothing.is_empty());
        assert!(n_turns >= MEMBERS_MAX * MEMBER_BYTES / PORTION_BYTES, "{n_turns} turns");
    }

    #[tokio::test]
    async fn a_portion_may_end_anywhere_in_a_member() {
        for n_bytes in PORTION_BYTES - 60..PORTION_BYTES {
            let text = vec![b'x'; n_bytes];
            let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
            encoder.write_all(&text).unwrap();
            let members = [encoder.finish().unwrap(), gzip(b"more")].concat();
            assert_eq!(inflated(&members).await.unwrap().0, [&text[..], b"more"].concat(), "{n_bytes}");
        }
    }

    #[tokio::test]
    async fn members_may_be_many_but_not_empty() {
        let post = [b'x'; BYTES_PER_MEMBER];
        let (text, _) = inflated(&gzip(&post).repeat(5_000)).await.unwrap();
        assert_eq!(text.len(), 5_000 * post.len());
        for many in [gzip(b"").repeat(MEMBERS_MAX + 1), gzip(b"{}").repeat(5_000)] {
            let refused = inflated(&many).await;
            assert!(matches!(refused, Err(InflateError::TooManyMembers)), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn a_body_cut_off_anywhere_is_malformed() {
        let whole = [gzip(b"several "), gzip(b"members")].concat();
        assert_eq!(inflated(&whole).await.unwrap().0, b"several members");
        let boundary = gzip(b"several ").len();
        for end in (0..whole.len()).filter(|end| *end != boundary) {
            let refused = inflated(&whole[..end]).await;
            assert!(matches!(refused, Err(InflateError::Malformed(_))), "{end}: {refused:?}");
        }
    }
}
