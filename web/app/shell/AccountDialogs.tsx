import { useState } from "react";
import { addDemoFunds, signInWithKeys, signOut, useAccount } from "../account/store";
import { fine, plainWords } from "../lib/errors";
import { Dialog } from "./Dialog";
import { closeDialog } from "./ui";

/** Signing in with keys that the user already has. */
export function KeysDialog() {
  const [apiKey, setApiKey] = useState("");
  const [secretKey, setSecretKey] = useState("");
  const [refusal, setRefusal] = useState<{ text: string; fine: string } | null>(null);
  const busy = useAccount((account) => account.signingIn);
  const submit = async () => {
    setRefusal(null);
    try {
      await signInWithKeys({ apiKey: apiKey.trim(), secretKey: secretKey.trim() });
      closeDialog();
    } catch (error) {
      setRefusal({ text: plainWords(error), fine: fine(error) });
    }
  };
  return (
    <Dialog title="Sign in with an API key" onClose={closeDialog}>
      <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <p className="muted">The key needs permission to read and to trade. It stays in this browser; the secret is used for signing only and is never sent.</p>
        <label className="stack">API key<input required autoComplete="off" spellCheck={false} value={apiKey} onChange={(event) => setApiKey(event.target.value)} /></label>
        <label className="stack">Secret key<input required type="password" autoComplete="off" value={secretKey} onChange={(event) => setSecretKey(event.target.value)} /></label>
        {refusal && <p className="refusal" role="alert">{refusal.text} <span className="fine">{refusal.fine}</span></p>}
        <div className="dialog-actions"><button type="submit" className="button primary" disabled={busy}>Sign in</button></div>
      </form>
    </Dialog>
  );
}

export function AccountDialog() {
  const keys = useAccount((account) => account.keys);
  const [shown, setShown] = useState(false);
  if (!keys) return null;
  const demo = keys.accountId !== undefined;
  return (
    <Dialog title={demo ? `Demo trader #${keys.accountId}` : "Your account"} onClose={closeDialog}>
      {demo && (
        <>
          <p className="muted">Practice money on a living market. Add more whenever you like.</p>
          <div className="row-buttons">
            <button type="button" className="button" onClick={() => void addDemoFunds("USDT", "50000")}>+ 50,000 USDT</button>
            <button type="button" className="button" onClick={() => void addDemoFunds("BTC", "1")}>+ 1 BTC</button>
            <button type="button" className="button" onClick={() => void addDemoFunds("ETH", "10")}>+ 10 ETH</button>
          </div>
        </>
      )}
      <h3>For your bot</h3>
      <p className="muted">The same account works from any client of this API.</p>
      <dl className="facts">
        <dt>REST</dt><dd><Copyable label="REST address" value={location.origin} /></dd>
        <dt>Streams</dt><dd><Copyable label="streams address" value={`${location.origin.replace(/^http/, "ws")}/stream`} /></dd>
        <dt>API key</dt><dd><Copyable label="API key" value={keys.apiKey} /></dd>
        <dt>Secret</dt>
        <dd>{shown ? <Copyable label="secret key" value={keys.secretKey} /> : <button type="button" className="button quiet" onClick={() => setShown(true)}>Show</button>}</dd>
      </dl>
      <div className="dialog-actions">
        <button type="button" className="button quiet" onClick={() => { closeDialog(); signOut(); }}>Sign out</button>
      </div>
      {demo && <p className="fine">Signing out forgets the keys in this browser. The demo account stays on the exchange, but without its keys you cannot come back to it.</p>}
    </Dialog>
  );
}

function Copyable({ label, value }: { label: string; value: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <span className="copyable">
      <code>{value}</code>
      <button type="button" className="button quiet" aria-label={`Copy ${label}`} onClick={() => void copy()}>{copied ? "Copied" : "Copy"}</button>
    </span>
  );
}
