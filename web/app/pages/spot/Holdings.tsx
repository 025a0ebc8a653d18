import { useAccount } from "../../account/store";
import { toDigits } from "../../lib/decimal";
import { group } from "../../lib/format";
import { useSymbol } from "../../market/store";

/** What the account holds of the two assets of this market. */
export function Holdings() {
  const info = useSymbol()!;
  const ready = useAccount((account) => account.ready);
  const balances = useAccount((account) => account.balances);
  if (!ready) return null;
  return (
    <section className="holdings" aria-label="Your holdings in this market">
      <table>
        <thead><tr><th scope="col">Holdings</th><th scope="col">Free</th><th scope="col">In orders</th></tr></thead>
        <tbody>
          {[info.base, info.quote].map((asset) => {
            const { free, locked } = balances.get(asset) ?? { free: 0n, locked: 0n };
            const digits = asset === info.base ? Math.max(2, info.qtyDigits) : Math.max(2, info.priceDigits);
            return (
              <tr key={asset}>
                <th scope="row">{asset}</th>
                <td><bdi>{group(toDigits(free, digits))}</bdi></td>
                <td><bdi>{group(toDigits(locked, digits))}</bdi></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
