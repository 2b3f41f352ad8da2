//! Ending the connections of a user ([protocol, sign-in](crate::protocol#sign-in)).

use alloc::format;
use alloc::string::{String, ToString};

use super::app::App;
use super::call::{Build, Call};
use super::channels::check_user_id;
use super::error::RequestError;
use super::signature::segment;
use super::unsigned::Unsigned;

/// Ends all connections that are signed in as a user, with code 4009. The user can connect again,
/// unless your backend refuses the next sign-in.
#[doc(alias = "terminate_user_connections")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminate {
    user_id: String,
}

impl Terminate {
    /// Ends the connections of the user with this id.
    #[must_use]
    pub fn user(user_id: impl AsRef<str>) -> Self {
        Self { user_id: user_id.as_ref().to_string() }
    }
}

impl Build for Terminate {
    fn unsigned(&self, app: &App) -> Result<Unsigned, RequestError> {
        check_user_id(&self.user_id, app.limits())?;
        let id = segment(&self.user_id).ok_or(RequestError::Dots)?;
        Ok(Unsigned::post(format!("/users/{id}/terminate_connections"), "{}".to_string()))
    }
}

impl Call for Terminate {
    type Answer = ();
}
