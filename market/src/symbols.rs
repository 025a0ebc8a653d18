//! What the demo lists, with filters in the form of real ones.

use protocol::{
    Filters, Instrument, LotSizeFilter, MarketStatus, NotionalFilter, PercentPriceBySideFilter,
    PriceFilter, StpMode, StpModes,
};
use types::{AssetId, ContractKind, Decimal, InstrumentId, Rate};

/// One market of the demo. Prices are in ticks, quantities in lots.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    pub base: &'static str,
    pub quote: &'static str,
    /// 10⁻⁸.
    pub tick: i64,
    /// 10⁻⁸.
    pub lot: i64,
    /// NOTIONAL's minimum, 10⁻⁸ of the quote asset.
    pub min_notional: i64,
    /// Where a random walk begins, in ticks; recorded and crossed symbols begin elsewhere.
    pub start: i64,
    /// Lots that usually stand at the touch.
    pub touch: i64,
    /// Trades a minute, on average.
    pub trades: f64,
    /// Standard deviation of the price over a day, as a share.
    pub daily: f64,
}

const ONE: i64 = Decimal::SCALE;

const fn listing(
    base: &'static str,
    quote: &'static str,
    (tick, lot): (i64, i64),
    start: i64,
    touch: i64,
    trades: f64,
) -> Listing {
    let min_notional = if quote.len() == 4 {
        5 * ONE
    } else {
        ONE / 10_000
    };
    Listing {
        base,
        quote,
        tick,
        lot,
        min_notional,
        start,
        touch,
        trades,
        daily: 0.035,
    }
}

/// In the order in which they are listed. The first three are recorded.
pub const LISTINGS: [Listing; 15] = [
    listing("BTC", "USDT", (1_000_000, 1_000), 0, 150_000, 60.0),
    listing("ETH", "USDT", (1_000_000, 10_000), 0, 100_000, 50.0),
    listing("SOL", "USDT", (1_000_000, 100_000), 0, 100_000, 40.0),
    listing("TIDE", "USDT", (10_000, 1_000_000), 12_500, 40_000, 20.0),
    listing("TIDE", "BTC", (1, 1_000_000), 1_430, 20_000, 6.0),
    listing("XRP", "USDT", (10_000, 10_000_000), 24_500, 20_000, 25.0),
    listing("ETH", "BTC", (1_000, 10_000), 2_360, 50_000, 12.0),
    listing("SOL", "BTC", (10, 1_000_000), 16_500, 5_000, 8.0),
    listing("DOGE", "USDT", (1_000, 100_000_000), 19_300, 40_000, 20.0),
    listing("ADA", "USDT", (10_000, 10_000_000), 7_500, 30_000, 15.0),
    listing("LTC", "USDT", (1_000_000, 100_000), 9_300, 30_000, 10.0),
    listing("LINK", "USDT", (100_000, 1_000_000), 15_400, 20_000, 12.0),
    listing("AVAX", "USDT", (100_000, 1_000_000), 22_400, 20_000, 12.0),
    listing("DOT", "USDT", (100_000, 1_000_000), 4_700, 30_000, 10.0),
    listing("UNI", "USDT", (100_000, 1_000_000), 7_000, 20_000, 8.0),
];

impl Listing {
    pub fn symbol(&self) -> String {
        format!("{}{}", self.base, self.quote)
    }

    /// The specification, given the assets' numbers.
    pub fn instrument(&self, base: AssetId, quote: AssetId) -> Instrument {
        let lot = |max: i64, step: i64| LotSizeFilter {
            min: Decimal(step),
            max: Decimal(max),
            step: Decimal(step),
        };
        Instrument {
            id: InstrumentId(0),
            symbol: self.symbol().into(),
            contract: ContractKind(1),
            base,
            quote,
            status: MarketStatus::Trading,
            filters: Filters {
                price: Some(PriceFilter {
                    min: Decimal(self.tick),
                    max: Decimal(self.tick.saturating_mul(100_000_000)),
                    tick: Decimal(self.tick),
                }),
                lot_size: Some(lot(self.lot.saturating_mul(900_000_000), self.lot)),
                market_lot_size: Some(LotSizeFilter {
                    min: Decimal::ZERO,
                    max: Decimal(self.lot.saturating_mul(self.touch * 100)),
                    step: Decimal::ZERO,
                }),
                notional: Some(NotionalFilter {
                    min: Decimal(self.min_notional),
                    apply_min_to_market: true,
                    max: Decimal(9_000_000 * ONE),
                    apply_max_to_market: false,
                    avg_price_mins: 5,
                }),
                percent_price_by_side: Some(PercentPriceBySideFilter {
                    bid_up: Decimal(5 * ONE),
                    bid_down: Decimal(ONE / 5),
                    ask_up: Decimal(5 * ONE),
                    ask_down: Decimal(ONE / 5),
                    avg_price_mins: 5,
                }),
                max_num_orders: Some(200),
            },
            default_stp: StpMode::ExpireMaker,
            allowed_stp: StpModes::ALL,
            maker_fee: Rate(100_000),
            taker_fee: Rate(100_000),
        }
    }
}
