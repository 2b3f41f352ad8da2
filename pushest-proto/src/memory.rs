//! What is kept alive, in bytes: the allocations behind texts, lists and shared values.
//!
//! Counted is what was asked of the allocator, and for each allocation what the allocator needs for
//! itself. What several values share (a member, a name, a loss) counts for each of them: any of them
//! may be the last that keeps it alive.

use alloc::string::String;
use alloc::vec::Vec;

/// What an allocator needs beside what is asked of it: its own header, and rounding up. Allocators
/// differ; this is about the mean of those of glibc, musl and dlmalloc.
const ALLOCATION: usize = 16;

/// The two counters in front of what is shared by `Arc`.
const REFERENCES: usize = 2 * size_of::<usize>();

/// Returns what an allocation of `bytes` costs.
pub(crate) const fn allocation(bytes: usize) -> usize {
    // Nothing is allocated for nothing.
    if bytes == 0 { 0 } else { bytes + ALLOCATION }
}

/// Returns what an `Arc` of `bytes` points to.
pub(crate) const fn shared(bytes: usize) -> usize {
    REFERENCES + bytes + ALLOCATION
}

/// Returns the allocation of an `Arc<str>`.
pub(crate) const fn shared_text(text: &str) -> usize {
    shared(text.len())
}

/// Returns the allocation of a `Box<str>`.
pub(crate) const fn text(text: &str) -> usize {
    allocation(text.len())
}

/// Returns the allocation of an optional text.
pub(crate) fn optional_text(text: Option<&str>) -> usize {
    text.map_or(0, self::text)
}

/// Returns the allocation of a list, without what its elements keep alive.
pub(crate) const fn list<T>(list: &Vec<T>) -> usize {
    allocation(list.capacity() * size_of::<T>())
}

/// Returns the allocations of a list of texts.
pub(crate) fn texts(texts: &Vec<String>) -> usize {
    list(texts) + texts.iter().map(|text| allocation(text.capacity())).sum::<usize>()
}

/// Returns the nodes of a tree of `count` elements. A node has eleven places; elements that come in
/// order leave nodes half full.
pub(crate) const fn tree<T>(count: usize) -> usize {
    2 * count * size_of::<T>()
}
