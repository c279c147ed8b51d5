//! Places for bodies that are on their way. When all are taken, a new one displaces the one that has been coming for
//! longest from the address that has most: an honest caller's is here in no time.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

pub(super) struct Bodies {
    most: usize,
    coming: Mutex<Coming>,
}

#[derive(Default)]
struct Coming {
    next: u64,
    /// The one that has been coming for longest first.
    places: Vec<Place>,
}

struct Place {
    id: u64,
    from: IpAddr,
    displaced: CancellationToken,
}

/// A place, held until it is dropped or taken away.
pub(super) struct Held<'a> {
    bodies: &'a Bodies,
    id: u64,
    displaced: CancellationToken,
}

impl Bodies {
    pub fn new(most: usize) -> Self {
        Self {
            most,
            coming: Mutex::default(),
        }
    }

    /// Always has a place; another one may lose its own for that.
    pub fn enter(&self, from: IpAddr) -> Held<'_> {
        let mut coming = self.lock();
        if coming.places.len() >= self.most
            && let Some(index) = coming.to_displace()
        {
            coming.places.remove(index).displaced.cancel();
        }
        let (id, displaced) = (coming.next, CancellationToken::new());
        coming.next += 1;
        coming.places.push(Place {
            id,
            from: network(from),
            displaced: displaced.clone(),
        });
        Held {
            bodies: self,
            id,
            displaced,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Coming> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Coming {
    fn to_displace(&self) -> Option<usize> {
        let of_one = |from: IpAddr| self.places.iter().filter(|place| place.from == from).count();
        let places = self.places.iter().enumerate();
        places
            .max_by_key(|(index, place)| (of_one(place.from), Reverse(*index)))
            .map(|(index, _)| index)
    }
}

impl Held<'_> {
    /// Ends when the place is taken away.
    pub async fn displaced(&self) {
        self.displaced.cancelled().await;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.bodies.lock().places.retain(|place| place.id != self.id);
    }
}

/// Whoever has one address of version 6 has the 64 bits behind it as well.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::Bodies;
    use std::net::IpAddr;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn who_has_most_and_is_slowest_gives_way() {
        let bodies = Bodies::new(4);
        let honest = bodies.enter(ip("192.0.2.1"));
        let many: Vec<_> = ["2001:db8::1", "2001:db8::2:1", "2001:db8::3"]
            .map(|from| bodies.enter(ip(from)))
            .into();
        let newest = bodies.enter(ip("192.0.2.7"));
        let displaced: Vec<_> = many.iter().map(|held| held.displaced.is_cancelled()).collect();
        assert_eq!(displaced, [true, false, false], "the oldest of one network");
        assert!(!honest.displaced.is_cancelled() && !newest.displaced.is_cancelled());
    }

    #[test]
    fn among_equals_the_oldest_gives_way_and_a_place_comes_free_again() {
        let bodies = Bodies::new(2);
        let first = bodies.enter(ip("192.0.2.1"));
        let second = bodies.enter(ip("::ffff:192.0.2.2"));
        drop(first);
        let third = bodies.enter(ip("192.0.2.3"));
        assert!(!second.displaced.is_cancelled(), "there was room");
        let _fourth = bodies.enter(ip("192.0.2.4"));
        assert!(second.displaced.is_cancelled() && !third.displaced.is_cancelled());
        drop(second);
        assert_eq!(bodies.lock().places.len(), 2, "who is gone is not counted twice");
    }
}
