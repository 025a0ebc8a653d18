/** News of the account over the WebSocket API, by a signed subscription that any kind of key can make. */
import { type Keys, signedParams } from "../lib/api";
import { ApiError } from "../lib/errors";
import { LastingSocket } from "../lib/socket";
import { type ExecutionReport, fillFromReport, type FillRow, fromReport, type OrderRow } from "./orders";

export interface UserHooks {
  onSubscribed: () => void;
  onLost: () => void;
  onRefused: (error: ApiError) => void;
  onOrder: (order: OrderRow, fill: FillRow | null) => void;
  onBalances: (balances: { a: string; f: string; l: string }[]) => void;
  /** A deposit or withdrawal changed a balance by an amount. */
  onTransfer: () => void;
}

type Event =
  | ExecutionReport
  | { e: "outboundAccountPosition"; B: { a: string; f: string; l: string }[] }
  | { e: "balanceUpdate" }
  | { e: "eventStreamTerminated" }
  | { e: "serverShutdown" };

interface Answer {
  id?: string;
  status?: number;
  error?: { code: number; msg: string };
  event?: Event;
}

const SILENCE_MS = 40_000;
const SUBSCRIBE = "subscribe";

export class UserStream {
  #socket: LastingSocket;

  constructor(readonly keys: Keys, readonly hooks: UserHooks) {
    this.#socket = new LastingSocket("/ws-api/v3", {
      onStatus: (status) => status !== "open" && hooks.onLost(),
      onOpen: () => void this.#subscribe(),
      onFrame: (frame) => this.#frame(frame as Answer),
    }, SILENCE_MS, { id: "ping", method: "ping" });
  }

  close(): void {
    this.#socket.close();
  }

  async #subscribe(): Promise<void> {
    try {
      const params = await signedParams(this.keys, {});
      this.#socket.send({ id: SUBSCRIBE, method: "userDataStream.subscribe.signature", params });
    } catch (error) {
      console.info("the account's news could not be subscribed", error);
      this.#socket.restart();
    }
  }

  #frame(frame: Answer): void {
    if (frame.event) return this.#event(frame.event);
    if (frame.id !== SUBSCRIBE) return;
    if (frame.status === 200) return this.hooks.onSubscribed();
    const error = new ApiError(frame.status ?? 0, frame.error?.code ?? 0, frame.error?.msg ?? "the subscription was refused");
    this.hooks.onRefused(error);
    if (error.code === -1021 || error.status >= 429) this.#socket.restart();
  }

  #event(event: Event): void {
    switch (event.e) {
      case "executionReport":
        // A refused order never existed; its sender has the answer.
        if (event.x !== "REJECTED") this.hooks.onOrder(fromReport(event), fillFromReport(event));
        break;
      case "outboundAccountPosition":
        this.hooks.onBalances(event.B);
        break;
      case "balanceUpdate":
        this.hooks.onTransfer();
        break;
      case "eventStreamTerminated":
        this.#socket.restart();
        break;
      default:
    }
  }
}
