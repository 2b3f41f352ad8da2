//! Setters of settings: structs that grow, so that programs outside of the crate cannot write them
//! down field by field.
//!
//! `pushest-testkit` has the same: exported from here, the macro would be part of the interface.

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
