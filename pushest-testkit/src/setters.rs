//! Setters of settings: structs that grow, so that programs outside of the crate cannot write them
//! down field by field.
//!
//! The same as in `pushest-proto`: exported from there, the macro would be part of its interface.

/// Makes a method of the same name for each field: it sets the field and returns the settings.
macro_rules! setters {
    ($($(#[$attribute:meta])* $field:ident: $type:ty;)+) => {$(
        $(#[$attribute])*
        #[must_use]
        pub fn $field(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    )+};
}

pub(crate) use setters;
