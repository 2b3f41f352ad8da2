//! Writes JSON whose members stand in the order in which they are put. (The maps of `serde_json`
//! have another order where a program turns its feature `preserve_order` on.)

use alloc::string::String;

use serde::Serialize;

/// A text of JSON in the making.
#[derive(Default)]
pub(super) struct Writer(String);

impl Writer {
    /// Writes an object, whose members `fill` puts.
    pub(super) fn object(&mut self, fill: impl FnOnce(&mut Self) -> &mut Self) -> &mut Self {
        self.separate();
        self.0.push('{');
        fill(self).0.push('}');
        self
    }

    /// Puts a member. The key has no special characters.
    pub(super) fn put<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> &mut Self {
        let value = serde_json::to_string(value).expect("texts and numbers can be written");
        self.key(key).0.push_str(&value);
        self
    }

    /// Puts a member, if there is a value.
    pub(super) fn put_some<T: Serialize>(&mut self, key: &str, value: Option<T>) -> &mut Self {
        match value {
            Some(value) => self.put(key, &value),
            None => self,
        }
    }

    /// Puts an object, whose members `fill` puts.
    pub(super) fn within(
        &mut self,
        key: &str,
        fill: impl FnOnce(&mut Self) -> &mut Self,
    ) -> &mut Self {
        self.key(key).object(fill)
    }

    /// Puts a list, to which `fill` adds each item.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        items: &[T],
        fill: impl Fn(&mut Self, &T),
    ) -> &mut Self {
        self.key(key).0.push('[');
        for item in items {
            fill(self, item);
        }
        self.0.push(']');
        self
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn key(&mut self, key: &str) -> &mut Self {
        self.separate();
        self.0.extend(["\"", key, "\":"]);
        self
    }

    /// What stands behind another one is separated from it. (A text ends with its quote, so that
    /// none of these is the end of one.)
    fn separate(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with(['{', '[', ':']) {
            self.0.push(',');
        }
    }
}
