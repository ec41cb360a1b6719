//! How well the stores answer: the seed decides how often they are slow, refuse, or lose an answer.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use super::dice::Dice;
use super::executor::Executor;

/// Chances of a fault, in a thousand calls, of which a seed has one.
const FAULTS_PER_MILLE: [usize; 6] = [0, 0, 2, 5, 20, 60];

/// The longest that a call takes each way, in microseconds; a seed has one, too.
const SLOWEST_MICROS: [usize; 4] = [100, 2_000, 50_000, 3_000_000];

/// The weather over all stores of a simulation. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    executor: Executor,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    refused_per_mille: usize,
    lost_per_mille: usize,
    slowest_micros: usize,
    /// Whether nothing goes wrong, whatever the numbers say.
    is_calm: bool,
    refused: u64,
    lost: u64,
}

enum Delay {
    None,
    Turn,
    Time(Duration),
}

impl Weather {
    /// The weather that `dice` decide; calm until told otherwise.
    pub(crate) fn new(mut dice: Dice, executor: Executor) -> Self {
        let state = State {
            refused_per_mille: *dice.pick(&FAULTS_PER_MILLE),
            lost_per_mille: *dice.pick(&FAULTS_PER_MILLE),
            slowest_micros: *dice.pick(&SLOWEST_MICROS),
            is_calm: true,
            refused: 0,
            lost: 0,
            dice,
        };
        Self { executor, state: Arc::new(Mutex::new(state)) }
    }

    /// Lets faults happen, or none from now on.
    pub(crate) fn set_calm(&self, is_calm: bool) {
        self.state().is_calm = is_calm;
    }

    /// The way of a call or an answer: takes no time, lets others go first, or takes some time.
    pub(crate) async fn travel(&self) {
        let delay = self.state().delay();
        match delay {
            Delay::None => {}
            Delay::Turn => self.executor.yield_now().await,
            Delay::Time(time) => self.executor.sleep(time).await,
        }
    }

    /// Whether the next call is refused.
    pub(crate) fn refuses(&self) -> bool {
        let mut state = self.state();
        let refuses = !state.is_calm && state.throw_refusal();
        state.refused += u64::from(refuses);
        refuses
    }

    /// Whether the next answer is lost.
    pub(crate) fn loses(&self) -> bool {
        let mut state = self.state();
        let loses = !state.is_calm && state.throw_loss();
        state.lost += u64::from(loses);
        loses
    }

    /// The longest time that a call or an answer travels.
    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_micros(self.state().slowest_micros as u64)
    }

    /// A throw for whoever has to decide something else.
    pub(crate) fn below(&self, end: usize) -> usize {
        self.state().dice.below(end)
    }

    /// How many calls were refused, and how many answers lost.
    pub(crate) fn faults(&self) -> (u64, u64) {
        let state = self.state();
        (state.refused, state.lost)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while holding the lock")
    }
}

impl State {
    fn delay(&mut self) -> Delay {
        match self.dice.below(20) {
            0..9 => Delay::None,
            9..17 => Delay::Turn,
            _ => Delay::Time(self.dice.micros(self.slowest_micros)),
        }
    }

    fn throw_refusal(&mut self) -> bool {
        self.dice.per_mille(self.refused_per_mille)
    }

    fn throw_loss(&mut self) -> bool {
        self.dice.per_mille(self.lost_per_mille)
    }
}
