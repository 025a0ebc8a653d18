//! Candles of every interval, from the levels of [`crate::series`].

use types::{Amount, Decimal, InstrumentId, Time, TradeId};

use crate::history::TradeRange;
use crate::interval::Interval;
use crate::model::{Candle, HistoryError};
use crate::series::{Bucket, DAYS, HOURS, LEVELS, MINUTES, QUARTERS, SECONDS};
use crate::views::Views;

/// The widest level whose buckets never straddle two candles.
fn level_of(interval: Interval, offset_minutes: i32) -> usize {
    use Interval as I;
    let widest = match interval {
        I::S1 => SECONDS,
        I::M1 | I::M3 | I::M5 => MINUTES,
        I::M15 | I::M30 => QUARTERS,
        I::H1 | I::H2 | I::H4 | I::H6 | I::H8 | I::H12 => HOURS,
        I::D1 | I::D3 | I::W1 | I::Month1 => DAYS,
    };
    let offset = i64::from(offset_minutes) * 60_000_000;
    let fits = |level: &usize| offset.rem_euclid(LEVELS[*level].0) == 0;
    (SECONDS..=widest).rev().find(fits).unwrap_or(SECONDS)
}

impl Views {
    /// Candles, ascending by opening: from `start` on, or the newest up to `end` or now. Time zones are minutes east of UTC. Spans in which
    /// nothing traded have candles too, from the first trade on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn candles(
        &self,
        id: InstrumentId,
        interval: Interval,
        start: Option<Time>,
        end: Option<Time>,
        limit: usize,
        offset_minutes: i32,
    ) -> Result<Vec<Candle>, HistoryError> {
        let now = self.now();
        let Some(first) = self.read_market(id, |m| m.series.first_time).flatten() else {
            return Ok(Vec::new());
        };
        let open_of = |time| interval.open_of(time, offset_minutes);
        let step = |open, count: usize| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            interval.step(open, offset_minutes, count)
        };
        let back = |open, count: usize| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            interval.step(open, offset_minutes, -count)
        };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let limit = limit.min(100_000);
        let mut to = open_of(end.map_or(now, |end| end.min(now)));
        let from = match start {
            Some(start) => {
                let open = open_of(start.max(first));
                let from = if open < start { step(open, 1) } else { open };
                to = to.min(step(from, limit - 1));
                from
            }
            None => back(to, limit - 1).max(open_of(first)),
        };
        if from > to {
            return Ok(Vec::new());
        }
        let to = step(to, 1);
        let level = level_of(interval, offset_minutes);
        let (buckets, before) = self.buckets(id, level, from.0, to.0).await?;
        let mut close = before;
        let mut buckets = buckets.iter().peekable();
        let mut candles = Vec::new();
        let mut open = from;
        while open < to {
            let next = step(open, 1);
            let mut sum: Option<Bucket> = None;
            while let Some(bucket) = buckets.next_if(|bucket| bucket.start < next.0) {
                match &mut sum {
                    None => sum = Some(*bucket),
                    Some(sum) => sum.join(bucket),
                }
            }
            close = sum.map_or(close, |sum| sum.close);
            candles.push(candle(open, next, sum, close));
            open = next;
        }
        Ok(candles)
    }

    /// The candle that is growing; `None` before the first trade.
    #[must_use]
    pub fn current_candle(
        &self,
        id: InstrumentId,
        interval: Interval,
        offset_minutes: i32,
    ) -> Option<Candle> {
        let open = interval.open_of(self.now(), offset_minutes);
        let next = interval.next(open, offset_minutes);
        self.read_market(id, |m| {
            m.series.first_time?;
            let sum = m.series.since(open.0);
            Some(candle(open, next, sum, m.last_price.0))
        })
        .flatten()
    }

    /// One level's buckets in `[from, to)`, and the price of the last trade before.
    async fn buckets(
        &self,
        id: InstrumentId,
        level: usize,
        from: i64,
        to: i64,
    ) -> Result<(Vec<Bucket>, i64), HistoryError> {
        let read = self.read_market(id, |m| {
            let l = &m.series.levels[level];
            let recent: Vec<Bucket> = l.range(from.max(l.complete_from), to).copied().collect();
            let before = l
                .ended_by(from)
                .filter(|_| l.complete_from <= from)
                .map(|b| b.close);
            (recent, l.complete_from, before)
        });
        let Some((mut recent, complete_from, before)) = read else {
            return Ok((Vec::new(), 0));
        };
        let mut buckets = Vec::new();
        if from < complete_from {
            let until = to.min(complete_from);
            buckets = if level == SECONDS {
                self.seconds(id, from, until).await?
            } else {
                self.inner
                    .sql
                    .buckets(id, LEVELS[level].0, from, until)
                    .await?
            };
        }
        buckets.append(&mut recent);
        let before = match before {
            Some(close) => close,
            None if buckets.first().is_some_and(|b| b.start == from) => 0,
            None => self.close_before(id, from).await?,
        };
        Ok((buckets, before))
    }

    /// Seconds that memory no longer holds, from the trades.
    async fn seconds(
        &self,
        id: InstrumentId,
        from: i64,
        to: i64,
    ) -> Result<Vec<Bucket>, HistoryError> {
        let range = self
            .trade_range(id, Some(Time(from)), Some(Time(to - 1)))
            .await?;
        let Some(range) = range else {
            return Ok(Vec::new());
        };
        let width = LEVELS[SECONDS].0;
        let mut sums: Vec<Bucket> = Vec::new();
        for row in self.trade_rows(id, range).await? {
            let start = row.time.0 - row.time.0.rem_euclid(width);
            match sums.last_mut() {
                Some(sum) if sum.start == start => sum.add(&row.trade),
                _ => sums.push(Bucket::of(&row, start)),
            }
        }
        Ok(sums)
    }

    async fn close_before(&self, id: InstrumentId, time: i64) -> Result<i64, HistoryError> {
        let Some(range) = self.trade_range(id, None, Some(Time(time - 1))).await? else {
            return Ok(0);
        };
        let range = TradeRange {
            limit: 1,
            newest: true,
            ..range
        };
        let rows = self.trade_rows(id, range).await?;
        Ok(rows.first().map_or(0, |row| row.trade.price.0))
    }
}

fn candle(open: Time, next: Time, sum: Option<Bucket>, close: i64) -> Candle {
    let price = |of: fn(&Bucket) -> i64| Decimal(sum.as_ref().map_or(close, of));
    let total = |of: fn(&Bucket) -> i128| Amount(sum.as_ref().map_or(0, of));
    Candle {
        open_time: open,
        close_time: next.plus_micros(-1),
        open: price(|b| b.open),
        high: price(|b| b.high),
        low: price(|b| b.low),
        close: price(|b| b.close),
        volume: total(|b| b.volume),
        quote_volume: total(|b| b.quote),
        trades: sum.map_or(0, |b| b.trades),
        taker_base: total(|b| b.taker_base),
        taker_quote: total(|b| b.taker_quote),
        first_trade: sum.map(|b| TradeId(b.first_trade)),
        last_trade: sum.map(|b| b.last_trade()),
    }
}
