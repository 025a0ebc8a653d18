//! Which contracts and products this venue has: a new one is one line here.

use engine::Engine;
use sequencer::Rules;

fn registry() -> contract::Registry {
    contract::Registry::new().contract(spot_rules::Spot)
}

/// How every engine of this program is born.
pub fn rules() -> Rules {
    Rules::new(|snapshot| match snapshot {
        None => Ok(Engine::new(registry())),
        Some(bytes) => Engine::restore(registry(), bytes),
    })
}
