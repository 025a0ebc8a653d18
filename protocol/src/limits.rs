//! Filters of the whole venue.

use types::{AssetId, Decimal};

wire_struct! {
    /// The most of one asset that one order may move: its quantity where the asset is the base, price x quantity where it is the quote.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct MaxAsset { pub asset: AssetId, pub limit: Decimal }
}
wire_struct! {
    /// Bounds over all instruments. `None` is off. Counts are of one account's open ones, before one more.
    #[derive(Clone, PartialEq, Eq, Debug, Default)]
    pub struct ExchangeFilters {
        pub max_num_orders: Option<u32>,
        pub max_num_algo_orders: Option<u32>,
        pub max_num_iceberg_orders: Option<u32>,
        pub max_num_order_lists: Option<u32>,
        /// By asset, rising.
        pub max_assets: Vec<MaxAsset>,
    }
}

impl ExchangeFilters {
    /// Nothing is bound.
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self == ExchangeFilters::default()
    }

    #[must_use]
    pub fn max_asset(&self, asset: AssetId) -> Option<Decimal> {
        let at = self.max_assets.binary_search_by_key(&asset, |f| f.asset);
        at.ok().map(|at| self.max_assets[at].limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Admin, Event, Wire};

    /// The bytes of what binds the venue, for ever.
    /// The bytes of a lock, for ever.
    #[test]
    fn the_bytes_of_a_lock_are_golden() {
        let lock = crate::BalanceLock {
            account: types::AccountId(1001),
            asset: AssetId(4),
            delta: types::Amount(-5),
        };
        let mut bytes = Vec::new();
        Admin::LockBalance(lock).put(&mut bytes);
        Event::BalanceLocked(lock).put(&mut bytes);
        let body = format!("e903000004000000fb{}", "f".repeat(30));
        assert_eq!(hex(&bytes), format!("28{body}28{body}"));
        let mut input = &bytes[..];
        assert_eq!(Admin::take(&mut input), Ok(Admin::LockBalance(lock)));
        assert_eq!(Event::take(&mut input), Ok(Event::BalanceLocked(lock)));
    }

    #[test]
    fn the_bytes_of_exchange_filters_are_golden() {
        let filters = ExchangeFilters {
            max_num_orders: Some(1),
            max_num_algo_orders: None,
            max_num_iceberg_orders: Some(2),
            max_num_order_lists: Some(3),
            max_assets: vec![MaxAsset {
                asset: AssetId(4),
                limit: Decimal(5),
            }],
        };
        let mut bytes = Vec::new();
        Admin::SetExchangeFilters(Box::new(filters.clone())).put(&mut bytes);
        Event::ExchangeFiltersChanged(Box::new(filters.clone())).put(&mut bytes);
        let body = "010100000000010200000001030000000100040000000500000000000000";
        assert_eq!(hex(&bytes), format!("20{body}23{body}"));
        let mut input = &bytes[..];
        let read = Admin::take(&mut input);
        assert_eq!(
            read,
            Ok(Admin::SetExchangeFilters(Box::new(filters.clone())))
        );
        let read = Event::take(&mut input);
        assert_eq!(
            read,
            Ok(Event::ExchangeFiltersChanged(Box::new(filters.clone())))
        );
        assert!(input.is_empty());
        assert_eq!(filters.max_asset(AssetId(4)), Some(Decimal(5)));
        assert_eq!(filters.max_asset(AssetId(3)), None);
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
