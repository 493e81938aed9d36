//! Chance that is the same everywhere: ChaCha with a stream of its own for each part of the work.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A source of chance.
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    /// The source for part `stream` of the work under `seed`. Streams don't overlap, so parts may run in any order.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// The source for part `stream` of what is done for one thing of many: another one beside it changes nothing of it.
    pub(crate) fn named(seed: u64, name: &str, stream: u64) -> Self {
        // FNV-1a: any fixed hash does.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self::new(seed ^ hash, stream)
    }

    /// A whole number below `bound`, each as likely (Lemire 2019, with rejection). `bound` is at least 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        loop {
            let wide = u128::from(self.0.next_u64()) * u128::from(bound);
            let low = wide as u64;
            // What must be rejected is less than the bound: most draws need no division.
            if low >= bound || low >= bound.wrapping_neg() % bound {
                return (wide >> 64) as usize;
            }
        }
    }

    /// A number from 0 up to, but not, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Puts the items in a random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn draws_are_even_and_repeatable() {
        let draw = |seed, stream| {
            let mut chance = Chance::new(seed, stream);
            (0..6000).map(|_| chance.below(6)).collect::<Vec<_>>()
        };
        let one = draw(1, 0);
        assert_eq!(one, draw(1, 0));
        assert_ne!(one, draw(1, 1));
        assert_ne!(one, draw(2, 0));
        for face in 0..6 {
            let hits = one.iter().filter(|&&drawn| drawn == face).count();
            assert!((880..1120).contains(&hits), "{face}: {hits}");
        }
    }
}
