//! What one flood consists of: the name of its channel says it, so that any client which can
//! subscribe can order it.

use std::fmt;
use std::str::FromStr;

/// The name of every flooded event, as Laravel has them: it carries JSON escapes on the wire.
pub const EVENT: &str = r"App\Events\OrderShipped";

/// The number of different frames that a flood repeats. Each carries its number.
pub const FRAMES: u64 = 256;

/// A frame over this size is large, in bytes.
const LARGE: usize = 16 * 1024;

/// The number of different frames if they are large.
const FEW_FRAMES: u64 = 8;

/// The pace of lone events and of bursts, in events a second.
const PACE: u64 = 1_000;

/// What the flood's frames are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Events of the channel.
    Good,
    /// Text that is no JSON.
    Junk,
    /// An event whose last byte is missing.
    Cut,
    /// An event whose name is an object.
    Malformed,
    /// A message without a channel that the protocol does not know.
    Unrouted,
    /// An event of a channel that is not subscribed to.
    Unwanted,
    /// An error of the server's that is about nothing that was sent.
    Error,
}

impl Kind {
    /// The kinds that are no events of the channel.
    pub const BAD: [Self; 6] =
        [Self::Junk, Self::Cut, Self::Malformed, Self::Unrouted, Self::Unwanted, Self::Error];

    /// Returns the kind's name, as it stands in a channel's name and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Junk => "junk",
            Self::Cut => "cut",
            Self::Malformed => "malformed",
            Self::Unrouted => "unrouted",
            Self::Unwanted => "unwanted",
            Self::Error => "error",
        }
    }
}

/// One flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flood {
    /// What it consists of.
    pub kind: Kind,
    /// The size of a frame's text in bytes.
    pub size: usize,
    /// The number of frames.
    pub frames: u64,
    /// The number of frames that are written at once; 0 for all, as fast as they are taken.
    pub burst: u64,
    /// The number of channels that take turns.
    pub channels: u64,
}

/// Which events the clocks of a receiver start and stop at, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// The clocks start at this one; 0 is before the connection.
    pub begin: u64,
    /// The clocks stop at this one, which is the last.
    pub end: u64,
}

impl Flood {
    /// A flood at full speed.
    pub fn new(kind: Kind, size: usize, frames: u64) -> Self {
        Self { kind, size, frames, burst: 0, channels: 1 }
    }

    /// Returns the marks for a receiver of events. Of a good flood the first tenth warms up. A bad
    /// one stands between two good events, of which the first may be in the user's hand long after
    /// it was read.
    pub fn events(self) -> Marks {
        match self.kind {
            Kind::Good => self.frames_seen(),
            _ => Marks { begin: 0, end: 2 },
        }
    }

    /// Returns the marks for a receiver that looks at no frame.
    pub fn frames_seen(self) -> Marks {
        match self.kind {
            Kind::Good => Marks { begin: (self.frames / 10).max(1), end: self.frames },
            _ => Marks { begin: 0, end: self.frames + 2 },
        }
    }

    /// Returns the number of different frames. Each carries its number, and there is one for each
    /// channel; of large ones there are fewer, so that they fit into memory.
    pub fn different(self) -> u64 {
        let of_size = if self.size > LARGE { FEW_FRAMES } else { FRAMES };
        of_size.max(self.channels)
    }

    /// Returns the name of the channel that the frame with this number is an event of. The only one is
    /// called as the flood is; of many, each has its number behind that.
    pub fn channel(self, number: u64) -> String {
        match self.channels {
            1 => self.to_string(),
            channels => format!("{self}-{}", number % channels),
        }
    }

    /// Returns the time between two bursts.
    pub fn pause(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.burst * 1_000_000_000 / PACE)
    }
}

impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, size, frames, burst, channels } = self;
        write!(f, "flood-{}-{size}-{frames}-{burst}", kind.name())?;
        if *channels == 1 { Ok(()) } else { write!(f, "-{channels}") }
    }
}

impl FromStr for Flood {
    type Err = String;

    fn from_str(channel: &str) -> Result<Self, String> {
        let broken = || format!("the channel {channel:?} names no flood");
        let parts: Vec<&str> = channel.split('-').collect();
        let (parts, channels) = match parts[..] {
            [_, _, _, _, _, channels] => (&parts[..5], channels),
            _ => (&parts[..], "1"),
        };
        let [_, kind, size, frames, burst] = *parts else { return Err(broken()) };
        let kind = std::iter::once(Kind::Good).chain(Kind::BAD).find(|known| known.name() == kind);
        let flood = Self {
            kind: kind.ok_or_else(broken)?,
            size: size.parse().map_err(|_| broken())?,
            frames: frames.parse().map_err(|_| broken())?,
            burst: burst.parse().map_err(|_| broken())?,
            channels: channels.parse().map_err(|_| broken())?,
        };
        if flood.frames < 2 || flood.channels == 0 || flood.to_string() != channel {
            return Err(broken());
        }
        Ok(flood)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_read_from_the_name_that_it_gives_its_channel() {
        for kind in std::iter::once(Kind::Good).chain(Kind::BAD) {
            for channels in [1, 100] {
                let flood = Flood { kind, size: 208, frames: 1_000, burst: 64, channels };
                assert_eq!(flood.to_string().parse(), Ok(flood));
            }
        }
        for broken in [
            "news",
            "flood-good-208-1-0",
            "flood-good-208-9",
            "flood-good-+8-9-0",
            "flood-good-208-9-0-1",
        ] {
            assert!(broken.parse::<Flood>().is_err(), "{broken}");
        }
    }

    #[test]
    fn each_of_many_channels_has_a_name_and_a_frame_of_its_own() {
        let one = Flood::new(Kind::Good, 208, 1_000);
        assert_eq!((one.channel(7), one.different()), (one.to_string(), FRAMES));
        let many = Flood { channels: 1_000, ..one };
        assert_eq!(many.channel(1_007), format!("{many}-7"));
        assert_eq!(many.different(), 1_000);
        assert_eq!(Flood { size: 1_000_000, ..one }.different(), FEW_FRAMES);
    }

    #[test]
    fn a_tenth_of_a_good_flood_warms_up_and_a_bad_one_ends_with_its_second_event() {
        let good = Flood::new(Kind::Good, 208, 1_000);
        assert_eq!(good.events(), Marks { begin: 100, end: 1_000 });
        let bad = Flood::new(Kind::Junk, 208, 1_000);
        assert_eq!(bad.events(), Marks { begin: 0, end: 2 });
        assert_eq!(bad.frames_seen(), Marks { begin: 0, end: 1_002 });
    }
}
