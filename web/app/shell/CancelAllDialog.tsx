import { isOpen } from "../account/orders";
import { useAccount } from "../account/store";
import { cancelAll } from "../account/trading";
import { useMarket } from "../market/store";
import { Dialog } from "./Dialog";
import { closeDialog } from "./ui";

export function CancelAllDialog() {
  const symbol = useMarket((state) => state.symbol);
  const orders = useAccount((account) => account.orders);
  const open = [...orders.values()].filter((order) => isOpen(order.status));
  const here = open.filter((order) => order.symbol === symbol).length;
  const run = (of: string | null) => {
    closeDialog();
    void cancelAll(of);
  };
  return (
    <Dialog title="Cancel open orders" onClose={closeDialog}>
      <p>{open.length === 0 ? "You have no open orders." : `You have ${open.length} open ${open.length === 1 ? "order" : "orders"}, ${here} of them in ${symbol}.`}</p>
      <div className="dialog-actions">
        <button type="button" className="button quiet" onClick={closeDialog}>Keep them</button>
        {here > 0 && here < open.length && <button type="button" className="button danger" onClick={() => run(symbol)}>Cancel {here} in {symbol}</button>}
        {open.length > 0 && <button type="button" className="button danger" data-testid="confirm-cancel-all" onClick={() => run(null)}>Cancel all {open.length}</button>}
      </div>
    </Dialog>
  );
}
