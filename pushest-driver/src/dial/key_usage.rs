//! What a certificate says that it is for: the extended key usage (RFC 5280, section 4.2.1.12), which is
//! the one thing that webpki reads and does not tell.
//!
//! A reader of all of X.509 would be eight packages more in every build. This one looks for one extension
//! of a certificate that webpki has read before; what is not as it should be is an error, never a
//! certificate that says nothing.

const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// The extensions, among what a certificate holds.
const EXTENSIONS: u8 = 0xa3;

/// 2.5.29.37, encoded.
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
/// 1.3.6.1.5.5.7.3.1, encoded.
pub(super) const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
/// 1.3.6.1.5.5.7.3.2, encoded.
pub(super) const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];

/// The certificate is not encoded as certificates are (DER).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Returns the object ids of the purposes, encoded, that a certificate names; `None` if it names none
/// because it does not have the extension.
pub(super) fn purposes(certificate: &[u8]) -> Result<Option<Vec<&[u8]>>, Unreadable> {
    let mut outer = Reader(certificate);
    let mut certificate = Reader(outer.of(SEQUENCE)?);
    outer.end()?;
    let mut contents = Reader(certificate.of(SEQUENCE)?);
    let mut found = None;
    while let Some((tag, value)) = contents.next()? {
        if tag != EXTENSIONS {
            continue;
        }
        let mut only = Reader(value);
        let mut extensions = Reader(only.of(SEQUENCE)?);
        only.end()?;
        // They are the last, and there once.
        contents.end()?;
        while let Some((tag, extension)) = extensions.next()? {
            let usage = extended_key_usage(tag, extension)?;
            if usage.is_some() && std::mem::replace(&mut found, usage).is_some() {
                return Err(Unreadable);
            }
        }
    }
    Ok(found)
}

/// Returns the purposes, if it is this extension.
fn extended_key_usage(tag: u8, extension: &[u8]) -> Result<Option<Vec<&[u8]>>, Unreadable> {
    if tag != SEQUENCE {
        return Err(Unreadable);
    }
    let mut extension = Reader(extension);
    if extension.of(OBJECT_ID)? != EXTENDED_KEY_USAGE {
        return Ok(None);
    }
    let mut value = extension.next()?;
    // Whether it is critical, which is left out where it is not.
    if matches!(value, Some((BOOLEAN, _))) {
        value = extension.next()?;
    }
    let Some((OCTET_STRING, value)) = value else { return Err(Unreadable) };
    extension.end()?;
    let mut value = Reader(value);
    let mut list = Reader(value.of(SEQUENCE)?);
    value.end()?;
    let mut purposes = Vec::new();
    while let Some((tag, purpose)) = list.next()? {
        if tag != OBJECT_ID {
            return Err(Unreadable);
        }
        purposes.push(purpose);
    }
    Ok(Some(purposes))
}

/// Returns the numbers of an encoded object id; one that is too large for this machine is the largest
/// that it has.
pub(super) fn arcs(id: &[u8]) -> Vec<usize> {
    let mut arcs = Vec::new();
    let mut arc: usize = 0;
    for byte in id {
        arc = arc.saturating_mul(128).saturating_add(usize::from(byte & 0x7f));
        if byte & 0x80 != 0 {
            continue;
        }
        if arcs.is_empty() {
            // The first two numbers are one, and the first is 2 at most.
            arcs.push((arc / 40).min(2));
            arc -= arcs[0] * 40;
        }
        arcs.push(arc);
        arc = 0;
    }
    arcs
}

/// Reads one value after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Returns the tag and the contents of the next value; `None` at the end.
    fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, Unreadable> {
        let (tag, length, rest) = match self.0 {
            [] => return Ok(None),
            [tag, length @ 0..=0x7f, rest @ ..] => (*tag, usize::from(*length), rest),
            [tag, bytes @ 0x81..=0x84, rest @ ..] => {
                let count = usize::from(bytes & 0x7f);
                let (length, rest) = rest.split_at_checked(count).ok_or(Unreadable)?;
                let length =
                    length.iter().fold(0_u32, |length, byte| length << 8 | u32::from(*byte));
                (*tag, usize::try_from(length).map_err(|_| Unreadable)?, rest)
            }
            _ => return Err(Unreadable),
        };
        // A tag of several bytes has no place in a certificate.
        if tag & 0x1f == 0x1f {
            return Err(Unreadable);
        }
        let (contents, rest) = rest.split_at_checked(length).ok_or(Unreadable)?;
        self.0 = rest;
        Ok(Some((tag, contents)))
    }

    /// Returns the contents of the next value, which must have this tag.
    fn of(&mut self, tag: u8) -> Result<&'a [u8], Unreadable> {
        match self.next()? {
            Some((its, contents)) if its == tag => Ok(contents),
            _ => Err(Unreadable),
        }
    }

    fn end(&self) -> Result<(), Unreadable> {
        if self.0.is_empty() { Ok(()) } else { Err(Unreadable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let contents = parts.concat();
        let mut value = vec![tag];
        match contents.len() {
            length @ 0..=0x7f => value.push(length as u8),
            length => {
                value.push(0x82);
                value.extend((length as u16).to_be_bytes());
            }
        }
        value.extend(contents);
        value
    }

    /// Returns a certificate with these extensions.
    fn certificate(extensions: &[&[u8]]) -> Vec<u8> {
        let serial = der(0x02, &[&[7]]);
        // Something long, as keys are.
        let key = der(SEQUENCE, &[&[0x05, 0], &der(0x03, &[&[0; 300]])]);
        let extensions = der(EXTENSIONS, &[&der(SEQUENCE, extensions)]);
        let contents =
            der(SEQUENCE, &[&der(0xa0, &[&der(0x02, &[&[2]])]), &serial, &key, &extensions]);
        der(SEQUENCE, &[&contents, &der(SEQUENCE, &[]), &der(0x03, &[&[0, 1]])])
    }

    fn extension(id: &[u8], is_critical: bool, value: &[u8]) -> Vec<u8> {
        let critical = der(BOOLEAN, &[&[0xff]]);
        let critical = if is_critical { &*critical } else { &[] };
        der(SEQUENCE, &[&der(OBJECT_ID, &[id]), critical, &der(OCTET_STRING, &[value])])
    }

    fn usage(purposes: &[&[u8]], is_critical: bool) -> Vec<u8> {
        let purposes: Vec<_> = purposes.iter().map(|id| der(OBJECT_ID, &[id])).collect();
        let purposes: Vec<&[u8]> = purposes.iter().map(Vec::as_slice).collect();
        extension(EXTENDED_KEY_USAGE, is_critical, &der(SEQUENCE, &purposes))
    }

    #[test]
    fn purposes_are_found_among_other_extensions() {
        let other = extension(&[0x55, 0x1d, 0x13], true, &der(SEQUENCE, &[]));
        assert_eq!(purposes(&certificate(&[&other])), Ok(None));
        for is_critical in [false, true] {
            for named in [&[][..], &[SERVER_AUTH], &[CLIENT_AUTH, SERVER_AUTH]] {
                let certificate = certificate(&[&other, &usage(named, is_critical), &other]);
                assert_eq!(purposes(&certificate), Ok(Some(named.to_vec())));
            }
        }
    }

    #[test]
    fn what_is_cut_off_changed_or_there_twice_is_an_error_and_not_a_certificate_that_says_nothing()
    {
        let one = usage(&[SERVER_AUTH], false);
        assert_eq!(purposes(&certificate(&[&one, &one])), Err(Unreadable));
        let whole = certificate(&[&one]);
        for length in 0..whole.len() {
            assert_eq!(purposes(&whole[..length]), Err(Unreadable), "{length}");
        }
        assert_eq!(purposes(&[&whole[..], &[0]].concat()), Err(Unreadable));
        let no_list = extension(EXTENDED_KEY_USAGE, false, &[0x02, 1, 0]);
        assert_eq!(purposes(&certificate(&[&no_list])), Err(Unreadable));
        let no_ids = extension(EXTENDED_KEY_USAGE, false, &der(SEQUENCE, &[&[0x02, 1, 0]]));
        assert_eq!(purposes(&certificate(&[&no_ids])), Err(Unreadable));
        // Whatever byte is changed, nothing panics.
        for at in 0..whole.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= change;
                let _ = purposes(&changed);
            }
        }
    }

    #[test]
    fn an_object_id_has_the_numbers_that_people_write() {
        assert_eq!(arcs(SERVER_AUTH), [1, 3, 6, 1, 5, 5, 7, 3, 1]);
        assert_eq!(arcs(EXTENDED_KEY_USAGE), [2, 5, 29, 37]);
        // 2.999.3, and one that is too large.
        assert_eq!(arcs(&[0x88, 0x37, 3]), [2, 999, 3]);
        assert_eq!(
            arcs(&[0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            [1, 2, usize::MAX]
        );
        assert_eq!(arcs(&[]), [0_usize; 0]);
    }
}
