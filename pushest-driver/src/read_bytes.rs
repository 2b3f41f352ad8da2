//! How much was read of connections, for what views of it may keep alive.

/// What the connection that ended may have brought since it was last looked at, in bytes. Its last
/// buffer is no longer the only one that is partly free.
const UNSEEN: usize = 512 * 1024;

/// Counts what is read.
#[derive(Debug, Default)]
pub(crate) struct ReadBytes {
    /// What the open connection had read when it was last looked at; 0 if there was none.
    seen: u64,
    /// What was read since this was last taken.
    untaken: usize,
}

impl ReadBytes {
    /// Takes a look at what the open connection, if there is one, has read since it was opened.
    pub(crate) fn look(&mut self, open: Option<u64>) {
        let now = open.unwrap_or(0);
        // It is another connection, or none.
        let has_ended = open.is_none() && self.seen > 0 || now < self.seen;
        let read =
            if has_ended { UNSEEN } else { usize::try_from(now - self.seen).unwrap_or(usize::MAX) };
        self.seen = now;
        self.untaken = self.untaken.saturating_add(read);
    }

    /// Returns what was read since the last call.
    pub(crate) fn take(&mut self) -> usize {
        std::mem::take(&mut self.untaken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_begins_anew_and_the_end_of_one_counts_once() {
        let mut bytes = ReadBytes::default();
        for (open, read) in [
            (None, 0),
            (Some(10), 10),
            (Some(10), 0),
            (Some(25), 15),
            (None, UNSEEN),
            (None, 0),
            (Some(7), 7),
            (Some(0), UNSEEN),
            (Some(3), 3),
        ] {
            bytes.look(open);
            assert_eq!(bytes.take(), read, "{open:?}");
        }
    }
}
