/**
 * The public market streams over one connection: components say which streams they want and this keeps the connection
 * subscribed to exactly those, also after a reconnect. Control frames are gathered and paced, because the exchange takes
 * only five frames a second from a client.
 */
import { LastingSocket, type Status } from "./socket";

export interface StreamListener {
  /** One frame's `data`. */
  onData: (data: never) => void;
  /** The exchange has confirmed the subscription: data flows from now. Called again after every reconnect. */
  onLive?: () => void;
}

const PACE_MS = 250;
const SILENCE_MS = 30_000;

export class Streams {
  #wanted = new Map<string, Set<StreamListener>>();
  /** Streams of the present connection: asked for (false) or confirmed (true). */
  #present = new Map<string, boolean>();
  #asked = new Map<number, string[]>();
  #nextId = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #socket: LastingSocket;

  constructor(onStatus: (status: Status) => void, readonly onShutdown: () => void = () => {}) {
    this.#socket = new LastingSocket("/stream", {
      onStatus: (status) => {
        if (status !== "open") {
          this.#present.clear();
          this.#asked.clear();
        }
        onStatus(status);
      },
      onOpen: () => this.#settle(),
      onFrame: (frame) => this.#frame(frame as Frame),
    }, SILENCE_MS, { method: "LIST_SUBSCRIPTIONS", id: 0 });
  }

  /** Adds a listener; the answer removes it. */
  listen(stream: string, listener: StreamListener): () => void {
    const listeners = this.#wanted.get(stream) ?? new Set();
    this.#wanted.set(stream, listeners.add(listener));
    if (this.#present.get(stream)) queueMicrotask(() => listeners.has(listener) && listener.onLive?.());
    else this.#plan();
    return () => {
      const set = this.#wanted.get(stream);
      set?.delete(listener);
      if (set?.size === 0) {
        this.#wanted.delete(stream);
        this.#plan();
      }
    };
  }

  restart(): void {
    this.#socket.restart();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  #plan(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(), 0);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    const missing = [...this.#wanted.keys()].filter((stream) => !this.#present.has(stream));
    const surplus = [...this.#present.keys()].filter((stream) => !this.#wanted.has(stream));
    if (missing.length > 0) {
      const id = this.#nextId++;
      if (!this.#socket.send({ method: "SUBSCRIBE", params: missing, id })) return;
      for (const stream of missing) this.#present.set(stream, false);
      this.#asked.set(id, missing);
      if (surplus.length > 0) this.#timer = setTimeout(() => this.#settle(), PACE_MS);
    } else if (surplus.length > 0) {
      if (!this.#socket.send({ method: "UNSUBSCRIBE", params: surplus, id: this.#nextId++ })) return;
      for (const stream of surplus) this.#present.delete(stream);
    }
  }

  #frame(frame: Frame): void {
    if (frame.stream !== undefined) {
      if (frame.stream === "!serverShutdown") this.onShutdown();
      const listeners = this.#wanted.get(frame.stream);
      if (listeners) for (const listener of listeners) listener.onData(frame.data as never);
      return;
    }
    if (frame.e === "serverShutdown") return this.onShutdown();
    const streams = frame.id === undefined || frame.id === null ? undefined : this.#asked.get(frame.id);
    if (!streams) return;
    this.#asked.delete(frame.id!);
    if (frame.error) {
      console.warn("subscription refused", streams, frame.error);
      return;
    }
    for (const stream of streams) {
      if (this.#present.get(stream) === false) {
        this.#present.set(stream, true);
        for (const listener of this.#wanted.get(stream) ?? []) listener.onLive?.();
      }
    }
  }
}

interface Frame {
  stream?: string;
  data?: unknown;
  e?: string;
  id?: number | null;
  error?: unknown;
}
