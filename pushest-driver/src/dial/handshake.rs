//! How a WebSocket is configured, and how it was lost.

use pushest_proto::Loss;
use tungstenite::error::{CapacityError, Error};
use tungstenite::protocol::WebSocketConfig;

/// How much is gathered before it is written out; a flush writes it in any case.
const WRITE_BUFFER: usize = 4 * 1024;

/// What may pile up in the write buffer beside one frame: answers to pings of a server that reads
/// none of them.
const SPARE: usize = 4 * 1024;

/// Frames are as large as the largest message, so that a message over the limit is noticed before
/// memory is given to it.
pub(super) fn config(message: usize, outgoing: usize, read_buffer: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(message))
        .max_frame_size(Some(message))
        .read_buffer_size(read_buffer)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER + SPARE + outgoing.max(message))
}

/// How an open connection was lost.
pub(crate) fn loss(error: &Error) -> Loss {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            Loss::TooLarge { limit: *max_size }
        }
        Error::Io(error) => Loss::reset(&error.to_string()),
        other => Loss::reset(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_over_the_limit_is_told_from_other_losses() {
        let error = Error::Capacity(CapacityError::MessageTooLong { size: 11, max_size: 10 });
        assert_eq!(loss(&error), Loss::TooLarge { limit: 10 });
        assert!(matches!(loss(&Error::AttackAttempt), Loss::Reset(_)));
    }
}
