//! Routing groups.

use kit::ApiError;
use protocol::{Admin, Fund, Instrument, RejectCode, SetRouting};
use types::{AccountId, Amount, AssetId, Wallet};

use crate::body::wrong;
use crate::desk::Sandbox;

/// What the venue's router has of each asset of a group: so many whole units. It never holds a position, but it pays before it is paid.
const INVENTORY: i128 = 1_000_000_000;

impl Sandbox {
    /// Puts a symbol into a group, or takes it out, and gives the router what it trades with.
    pub(crate) async fn route_orders(
        &self,
        symbol: &Instrument,
        group: &str,
    ) -> Result<(), ApiError> {
        let set = SetRouting {
            instrument: symbol.id,
            group: group.into(),
        };
        match self.try_admin(Admin::SetRouting(set)).await? {
            Err(RejectCode::InvalidRouting) => {
                return Err(wrong(
                    "sor: a group's name is 1 to 20 letters, digits, `-` and `_`, and its symbols have one baseAsset, different quoteAssets, and the same tickSize and stepSize.",
                ));
            }
            outcome => outcome?,
        };
        if !group.is_empty() {
            for asset in [symbol.base, symbol.quote] {
                self.stock(asset).await?;
            }
        }
        Ok(())
    }

    async fn stock(&self, asset: AssetId) -> Result<(), ApiError> {
        let precision = self.views().asset(asset).map_or(8, |asset| asset.precision);
        let wanted = INVENTORY * 10_i128.pow(u32::from(precision));
        let balances = self.views().balances(AccountId::ROUTER);
        let has = (balances.iter())
            .find(|balance| balance.asset == asset)
            .map_or(0, |balance| balance.free.0);
        if has >= wanted {
            return Ok(());
        }
        self.admin(Admin::Fund(Fund {
            account: AccountId::ROUTER,
            wallet: Wallet::SPOT,
            asset,
            amount: Amount(wanted - has),
        }))
        .await?;
        Ok(())
    }
}
