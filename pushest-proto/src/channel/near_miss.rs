//! Names that begin almost like one of the protocol's prefixes. A server takes such a channel for
//! one of another kind, without a word: `private_orders` is public.

use alloc::string::String;

use super::name::ChannelName;

/// A word of a prefix, and what may come next to it.
struct Word {
    word: &'static str,
    /// Misspelt so often that they count although they are further away than one letter.
    misspelt: &'static [&'static str],
    /// Words of their own, although they are only one letter away.
    others: &'static [&'static str],
    /// Characters that are written by mistake in the place of the `-`.
    separators: &'static [u8],
    next: &'static [Word],
}

const CACHE: Word = Word {
    word: "cache",
    misspelt: &[],
    others: &["ache", "cached", "cacher", "caches", "cachet"],
    // Not the dot: `cache.users` is as good a name as any other.
    separators: b"_",
    next: &[],
};

const PRIVATE: Word = Word {
    word: "private",
    misspelt: &[],
    others: &["primate", "privates"],
    separators: b"_.:=@,;",
    next: &[
        Word {
            word: "encrypted",
            misspelt: &[],
            others: &["encrypter"],
            separators: b"_.:=@,;",
            next: &[CACHE],
        },
        CACHE,
    ],
};

const PRESENCE: Word = Word {
    word: "presence",
    misspelt: &["precense", "prescense", "pressense"],
    others: &["pretence", "presences"],
    separators: b"_.:=@,;",
    next: &[CACHE],
};

impl ChannelName {
    /// Returns the name that was probably meant, if this one begins almost like one of the
    /// prefixes `private-`, `private-encrypted-`, `presence-` and `cache-`: in other case
    /// (`Private-x`), with another separator (`private_x`), or with a letter too many, too few,
    /// wrong or in the wrong place (`prescence-x`). Servers take such a channel for one of another
    /// kind: public where it was meant to be private, or without members.
    ///
    /// It is a guess, for a warning: the name is a valid one.
    ///
    /// ```
    /// # use pushest_proto::ChannelName;
    /// let near_miss = |name| ChannelName::new(name).expect("it keeps the rules").near_miss();
    /// assert_eq!(near_miss("private_orders").as_deref(), Some("private-orders"));
    /// assert_eq!(near_miss("private-orders"), None);
    /// assert_eq!(near_miss("news"), None);
    /// ```
    #[must_use]
    pub fn near_miss(&self) -> Option<String> {
        let mut meant = String::new();
        let mut rest = self.as_str();
        let mut words: &[Word] = &[PRIVATE, PRESENCE, CACHE];
        while let Some((word, after)) = words.iter().find_map(|word| word.begins(rest)) {
            meant.push_str(word.word);
            meant.push('-');
            rest = after;
            words = word.next;
        }
        let is_as_meant = self.as_str().starts_with(&meant);
        (!is_as_meant).then(|| meant + rest)
    }
}

impl Word {
    /// This word and what follows it, if the name begins with it, or with something near it.
    fn begins<'a>(&self, name: &'a str) -> Option<(&Self, &'a str)> {
        let end = name.bytes().position(|byte| !byte.is_ascii_alphabetic())?;
        let (start, rest) = name.split_at(end);
        let separator = rest.as_bytes()[0];
        let rest = &rest[1..];
        // `private-` alone, or `private--x`, begins as it should; of `private_` nothing is known.
        if separator != b'-' && (!self.separators.contains(&separator) || rest.is_empty()) {
            return None;
        }
        let is_near = start.eq_ignore_ascii_case(self.word)
            || self.misspelt.iter().any(|word| start.eq_ignore_ascii_case(word))
            || (!self.others.iter().any(|word| start.eq_ignore_ascii_case(word))
                && !rest.is_empty()
                && is_one_away(start.as_bytes(), self.word.as_bytes()));
        is_near.then_some((self, rest))
    }
}

/// Returns whether one letter more, less or other, or two neighbours in each other's place, makes
/// the one of the other; in whatever case. Of a short word with another letter many are words
/// themselves.
fn is_one_away(text: &[u8], word: &[u8]) -> bool {
    let is_short = word.len() <= CACHE.word.len();
    let same = |a: &[u8], b: &[u8]| a.eq_ignore_ascii_case(b);
    let start = text.iter().zip(word).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    match (&text[start..], &word[start..]) {
        ([a, b, text @ ..], [c, d, word @ ..])
            if same(&[*a, *b], &[*d, *c]) && same(text, word) =>
        {
            true
        }
        (text @ [_, text_rest @ ..], word @ [_, word_rest @ ..]) => {
            let has_other = !is_short && same(text_rest, word_rest);
            has_other || same(text_rest, word) || same(text, word_rest)
        }
        // One letter more or less, and it is the last.
        (text, word) => text.len().abs_diff(word.len()) == 1,
    }
}
