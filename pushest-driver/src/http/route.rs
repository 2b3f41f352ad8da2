//! The way of one request: through which proxy, if any, and to which addresses. It is chosen once,
//! before the request takes a thread, so that what is told to a proxy goes to that proxy alone.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::dial::proxy::target::Target;
use crate::dial::proxy::url::Proxy;

thread_local! {
    /// The way of the request that this thread carries.
    static ROUTE: RefCell<Option<Arc<Route>>> = const { RefCell::new(None) };
}

/// The way of one request.
#[derive(Debug)]
pub(super) struct Route {
    /// The endpoint.
    pub(super) target: Target,
    /// What connects to it, where it is not reached straight.
    pub(super) proxy: Option<Proxy>,
    /// The addresses of the proxy, or else those of the endpoint.
    pub(super) addresses: Vec<SocketAddr>,
}

impl Route {
    /// Runs a request on this thread, whose way this is.
    pub(super) fn carry<T>(self, request: impl FnOnce() -> T) -> T {
        ROUTE.set(Some(Arc::new(self)));
        // Also where the request panics: the thread's next one has another way.
        let _forgetting = Forgetting;
        request()
    }

    /// Returns the way of the request that this thread carries.
    pub(super) fn of_this_thread() -> Option<Arc<Self>> {
        ROUTE.with_borrow(Clone::clone)
    }
}

struct Forgetting;

impl Drop for Forgetting {
    fn drop(&mut self) {
        ROUTE.set(None);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_request_has_its_own_way_and_leaves_none_behind() {
        let route = |host| Route { target: Target::new(host, 1), proxy: None, addresses: vec![] };
        let target = || Route::of_this_thread().map(|route| route.target.clone());
        assert_eq!(target(), None);
        assert_eq!(route("a").carry(target), Some(Target::new("a", 1)));
        assert_eq!(target(), None);
        let panics = AssertUnwindSafe(|| route("b").carry(|| panic!("in the middle")));
        assert!(catch_unwind(panics).is_err());
        assert_eq!(target(), None);
    }
}
