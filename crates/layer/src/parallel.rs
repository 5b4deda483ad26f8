//! The same work for many items, on several threads, with the results in the order of the items.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Items that a thread takes at a time: fewer of them take less time than the start of a thread.
const SHARE: usize = 16;

/// What `work` makes of each item. Whoever is done with a share takes the next one.
pub(crate) fn map<'a, T: Sync, R: Send>(
    items: &'a [T],
    threads: NonZeroUsize,
    work: impl Fn(&'a T) -> R + Sync,
) -> Vec<R> {
    let shares: Vec<&[T]> = items.chunks(SHARE).collect();
    if shares.len() == 1 || threads == NonZeroUsize::MIN {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || -> Vec<(usize, Vec<R>)> {
        let taken = std::iter::from_fn(|| {
            let number = next.fetch_add(1, Ordering::Relaxed);
            shares.get(number).map(|share| (number, share.iter().map(&work).collect()))
        });
        taken.collect()
    };
    let mut done: Vec<(usize, Vec<R>)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.get().min(shares.len())).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order() {
        for count in [0, 1, SHARE, SHARE + 1, 1000] {
            let items: Vec<usize> = (0..count).collect();
            for threads in [1, 2, 7] {
                let threads = NonZeroUsize::new(threads).unwrap();
                assert_eq!(map(&items, threads, |item| *item), items, "{count} on {threads}");
            }
        }
    }
}
