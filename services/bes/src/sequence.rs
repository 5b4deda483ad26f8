//! Numbers of events: that none is missing, and which are acknowledged.
//!
//! Acknowledged means forgotten by the client, so an event is acknowledged at once only as long as nothing depends on it.
//! From the first event on that a push may need, nothing is, until the pushes are done: a client that has to begin again
//! then sends everything from there, and any server, this one after a restart or another, can go on with it.

/// The numbers of one connection's events.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// The last one that came.
    last: Option<i64>,
    /// The first one that is held back.
    held: Option<i64>,
}

/// What to make of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is the next one.
    Next,
    /// It came before.
    Again,
    /// This one should have come.
    Gap(i64),
}

impl Sequence {
    /// Takes a number in. The first of a connection may be any: what was before it is acknowledged.
    pub(crate) fn arrive(&mut self, number: i64) -> Arrival {
        match self.last {
            Some(last) if number <= last => Arrival::Again,
            Some(last) if number > last + 1 => Arrival::Gap(last + 1),
            _ => {
                self.last = Some(number);
                Arrival::Next
            }
        }
    }

    /// Acknowledges the event that came last, unless it or one before it matters; returns its number if so.
    pub(crate) fn acknowledge(&mut self, matters: bool) -> Option<i64> {
        if matters && self.held.is_none() {
            self.held = self.last;
        }
        self.last.filter(|_| self.held.is_none())
    }

    /// All numbers that were held back.
    pub(crate) fn release(&mut self) -> impl Iterator<Item = i64> + use<> {
        self.held.take().zip(self.last).into_iter().flat_map(|(first, last)| first..=last)
    }
}

#[cfg(test)]
mod tests {
    use super::Arrival::{Again, Gap, Next};
    use super::*;

    #[test]
    fn numbers_follow_each_other() {
        let mut sequence = Sequence::default();
        let arrivals = [7, 8, 8, 3, 10, 9].map(|number| sequence.arrive(number));
        assert_eq!(arrivals, [Next, Next, Again, Again, Gap(9), Next]);
    }

    #[test]
    fn nothing_is_acknowledged_behind_what_matters() {
        let mut sequence = Sequence::default();
        let mut step = |number, matters| {
            assert_eq!(sequence.arrive(number), Arrival::Next);
            sequence.acknowledge(matters)
        };
        assert_eq!(step(1, false), Some(1));
        assert_eq!(step(2, true), None);
        assert_eq!(step(3, false), None);
        assert_eq!(step(4, true), None);
        assert_eq!(sequence.release().collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(sequence.release().count(), 0);
    }
}
