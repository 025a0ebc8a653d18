//! Where a simulation's decisions come from.

/// Answers questions of the form "one of `n`": from a seed, or by going through all possible answers one after the other.
#[derive(Clone, Debug)]
pub struct Choices(Source);

#[derive(Clone, Debug)]
enum Source {
    Seeded(u64),
    /// The answers of this round, each with how many there were, and how many have been asked for.
    Every {
        answers: Vec<(u64, u64)>,
        asked: usize,
    },
}

impl Choices {
    /// The same seed gives the same answers.
    #[must_use]
    pub fn seeded(seed: u64) -> Choices {
        Choices(Source::Seeded(seed))
    }

    /// Answers 0 to everything at first; [`Choices::next_round`] goes on to the next combination.
    #[must_use]
    pub fn every() -> Choices {
        Choices(Source::Every {
            answers: Vec::new(),
            asked: 0,
        })
    }

    /// Whether all combinations are being gone through: questions with very many answers should then ask for fewer.
    #[must_use]
    pub fn is_exhaustive(&self) -> bool {
        matches!(self.0, Source::Every { .. })
    }

    /// One of `0..n`.
    ///
    /// # Panics
    /// When `n` is 0.
    pub fn pick(&mut self, n: u64) -> u64 {
        assert!(n > 0, "a choice needs at least one answer");
        match &mut self.0 {
            Source::Seeded(state) => split_mix(state) % n,
            Source::Every { answers, asked } => {
                if *asked == answers.len() {
                    answers.push((0, n));
                }
                let answer = answers[*asked].0;
                *asked += 1;
                answer
            }
        }
    }

    /// Prepares the next combination; `false` when all have been seen. A seed never runs out.
    pub fn next_round(&mut self) -> bool {
        match &mut self.0 {
            Source::Seeded(_) => true,
            Source::Every { answers, asked } => {
                answers.truncate(*asked);
                *asked = 0;
                while let Some((answer, n)) = answers.pop() {
                    if answer + 1 < n {
                        answers.push((answer + 1, n));
                        return true;
                    }
                }
                false
            }
        }
    }
}

/// SplitMix64: good enough to choose by, the same everywhere, and without a dependency.
pub(super) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_comes_once_even_if_later_questions_depend_on_earlier_answers() {
        let mut choices = Choices::every();
        let mut seen = Vec::new();
        loop {
            let a = choices.pick(3);
            let b = if a == 1 { choices.pick(2) } else { 9 };
            seen.push((a, b));
            if !choices.next_round() {
                break;
            }
        }
        assert_eq!(seen, [(0, 9), (1, 0), (1, 1), (2, 9)]);
    }
}
