//! In the place of `trace` in a build without the feature `recording`: nothing is recorded and
//! nothing replayed.

pub(crate) mod mode {
    use alloc::string::String;

    use bytestring::ByteString;

    use super::recorder::Recorder;
    use crate::channel::encrypted::DecryptionFailure;

    /// Nothing: no session is recorded, and none replays.
    #[derive(Debug)]
    pub(crate) enum Trace {
        Recording(Recorder),
        Replaying(Recorder),
    }

    impl Trace {
        pub(crate) fn signed(&mut self, _sign: impl FnOnce() -> String) -> String {
            match self {
                Self::Recording(never) | Self::Replaying(never) => match *never {},
            }
        }

        pub(crate) fn opened(
            &mut self,
            _open: impl FnOnce() -> Result<ByteString, DecryptionFailure>,
        ) -> Result<ByteString, DecryptionFailure> {
            match self {
                Self::Recording(never) | Self::Replaying(never) => match *never {},
            }
        }
    }
}

pub(crate) mod recorder {
    use crate::action::Action;
    use crate::config::limits::Limits;
    use crate::input::Input;
    use crate::time::Instant;

    /// Nothing: no sink takes lines.
    #[derive(Debug)]
    pub(crate) enum Recorder {}

    impl Recorder {
        pub(crate) fn told(&mut self, _: &Input<'_>, _: Instant, _: &Limits) {}

        pub(crate) fn polled(&mut self, _: Option<&Action>) {}
    }
}
