import { signInToDemo, useAccount } from "../account/store";
import { useMarket } from "../market/store";
import { useDark, useNarrow } from "./hooks";
import { Keyboard, Mark, Mirror, Moon, Sun, User } from "./icons";
import { toggleTheme, usePrefs } from "./prefs";
import { open } from "./ui";

export function Header() {
  const dark = useDark();
  const dir = usePrefs((prefs) => prefs.dir);
  const narrow = useNarrow();
  return (
    <header className="top">
      <a className="brand" href="/" aria-label="Highwater, trading page">
        <Mark />
        <span>Highwater</span>
      </a>
      <Connection />
      <div className="top-end">
        {!narrow && (
          <>
            <button
              type="button"
              className="icon-button"
              aria-label="Mirror the layout (right to left)"
              title="Mirror the layout"
              aria-pressed={dir === "rtl"}
              onClick={() => usePrefs.setState({ dir: dir === "rtl" ? "ltr" : "rtl" })}
            >
              <Mirror />
            </button>
            <button type="button" className="icon-button" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={() => open("shortcuts")}>
              <Keyboard />
            </button>
          </>
        )}
        <button type="button" className="icon-button" aria-label={dark ? "Use light colours" : "Use dark colours"} title={dark ? "Light" : "Dark"} onClick={toggleTheme}>
          {dark ? <Sun /> : <Moon />}
        </button>
        <AccountButton />
      </div>
    </header>
  );
}

function Connection() {
  const status = useMarket((state) => state.status);
  const lag = useMarket((state) => state.lag);
  const text = status === "open" ? "Live" : status === "connecting" ? "Connecting" : "Reconnecting";
  return (
    <span className={`connection ${status}`} role="status" title={status === "open" && lag !== null ? `Newest market data is ${lag} ms old` : undefined}>
      <span className="dot" aria-hidden="true" />
      {text}
    </span>
  );
}

function AccountButton() {
  const keys = useAccount((account) => account.keys);
  const demo = useAccount((account) => account.demo);
  const busy = useAccount((account) => account.signingIn);
  const narrow = useNarrow();
  if (keys) {
    return (
      <button type="button" className="button quiet" data-testid="account" onClick={() => open("account")}>
        <User />
        {keys.accountId === undefined ? "Account" : narrow ? `#${keys.accountId}` : `Demo trader #${keys.accountId}`}
      </button>
    );
  }
  if (demo === null) return null;
  return demo ? (
    <button type="button" className="button primary" disabled={busy} data-testid="demo-sign-in" onClick={() => void signInToDemo()}>
      {narrow ? "Start demo" : "Start trading with demo funds"}
    </button>
  ) : (
    <button type="button" className="button primary" onClick={() => open("keys")}>Sign in</button>
  );
}
