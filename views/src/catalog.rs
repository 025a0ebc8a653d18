use std::collections::HashMap;
use std::sync::Arc;

use protocol::Instrument;
use types::{AssetId, InstrumentId};

use crate::model::Asset;

/// Assets and instruments. Changes are rare: each makes a new catalog, and readers keep the one they hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog {
    /// In the order of their listing.
    pub instruments: Arc<[Arc<Instrument>]>,
    by_symbol: HashMap<Box<str>, usize>,
    by_id: HashMap<InstrumentId, usize>,
    assets: HashMap<AssetId, Arc<Asset>>,
    asset_names: HashMap<Box<str>, AssetId>,
}

impl Catalog {
    pub fn with_instrument(&self, instrument: &Instrument) -> Catalog {
        let mut next = self.clone();
        let mut list = self.instruments.to_vec();
        let shared = Arc::new(instrument.clone());
        let place = *next.by_id.entry(instrument.id).or_insert(list.len());
        match list.get_mut(place) {
            Some(old) => {
                next.by_symbol.remove(&old.symbol);
                *old = shared;
            }
            None => list.push(shared),
        }
        next.by_symbol.insert(instrument.symbol.clone(), place);
        next.instruments = list.into();
        next
    }

    pub fn with_asset(&self, asset: Asset) -> Catalog {
        let mut next = self.clone();
        next.asset_names.insert(asset.name.clone(), asset.id);
        next.assets.insert(asset.id, Arc::new(asset));
        next
    }

    pub fn by_symbol(&self, symbol: &str) -> Option<Arc<Instrument>> {
        self.instruments.get(*self.by_symbol.get(symbol)?).cloned()
    }

    pub fn by_id(&self, id: InstrumentId) -> Option<Arc<Instrument>> {
        self.instruments.get(*self.by_id.get(&id)?).cloned()
    }

    pub fn asset(&self, id: AssetId) -> Option<Arc<Asset>> {
        self.assets.get(&id).cloned()
    }

    pub fn assets(&self) -> Vec<Arc<Asset>> {
        let mut all: Vec<_> = self.assets.values().cloned().collect();
        all.sort_unstable_by_key(|asset| asset.id);
        all
    }

    pub fn asset_by_name(&self, name: &str) -> Option<Arc<Asset>> {
        self.asset(*self.asset_names.get(name)?)
    }

    /// Digits of an instrument's quote asset; eight when it is unknown.
    pub fn quote_precision(&self, id: InstrumentId) -> u8 {
        let quote = self.by_id(id).and_then(|i| self.asset(i.quote));
        quote.map_or(8, |asset| asset.precision)
    }
}
