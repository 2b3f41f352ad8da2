//! What a call is: something to ask of the HTTP API, and the answer that belongs to it.

use super::app::App;
use super::error::RequestError;
use super::unsigned::Unsigned;
use crate::channel::secret::NONCE_BYTES;
use crate::wire::parts::Part;

/// A call of the HTTP API, such as [`Publish`](super::Publish). [`App::request`] builds its request.
///
/// The calls are those of this module; [`Custom`](super::Custom) makes others.
#[expect(private_bounds, reason = "the calls are those of this module")]
pub trait Call: Build {
    /// What the server answers, once it has carried the call out.
    type Answer: Answer;

    /// Gives each event for an encrypted channel that has no nonce one from `random`, which returns
    /// fresh random bytes each time. A nonce that was used before with the same channel gives both
    /// events away to the server.
    fn draw_nonces(&mut self, random: &mut dyn FnMut() -> [u8; NONCE_BYTES]) {
        let _ = random;
    }
}

pub(crate) trait Build {
    /// Checks the call against the app's limits.
    fn unsigned(&self, app: &App) -> Result<Unsigned, RequestError>;
}

/// The answer to a call that the server carried out.
pub(crate) trait Answer: Sized {
    /// Whether the call is known here, and so is what stands in its answer: a refusal can then be told
    /// from more than in an answer that may hold anything.
    const IS_KNOWN: bool = true;

    /// Reads the body, which is known to be a whole JSON object. `None` if what the call asked for
    /// is not in it.
    fn read(body: Part<'_>) -> Option<Self>;
}
