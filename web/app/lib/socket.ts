/**
 * A WebSocket that stays: reconnects with growing, jittered pauses, notices a dead line by silence, and hands every
 * frame to one listener. What must be said after each connect is said in `onOpen`.
 */
export type Status = "connecting" | "open" | "waiting";

export interface SocketHooks {
  onOpen: () => void;
  onFrame: (frame: unknown) => void;
  onStatus: (status: Status) => void;
}

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 15_000;
const CONNECT_LIMIT_MS = 10_000;

/** The pause before the attempt after `failures` failures: doubling, with half of it random. */
export function pauseAfter(failures: number, random: number): number {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(full / 2 + (full / 2) * random);
}

export class LastingSocket {
  #ws: WebSocket | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #lastFrame = 0;
  #closed = false;

  /**
   * `silenceMs`: how long without a frame means a dead line. `question`: a frame that the exchange answers, sent when
   * half of that time has passed, because a quiet market is not a dead line.
   */
  constructor(readonly path: string, readonly hooks: SocketHooks, readonly silenceMs: number, readonly question: unknown) {
    addEventListener("online", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#connect();
  }

  send(frame: unknown): boolean {
    if (this.#ws?.readyState !== WebSocket.OPEN) return false;
    this.#ws.send(JSON.stringify(frame));
    return true;
  }

  /** Drops this connection and makes another. */
  restart(): void {
    const ws = this.#ws;
    if (!ws) return;
    this.#forget();
    ws.close();
    this.#retry();
  }

  close(): void {
    this.#closed = true;
    removeEventListener("online", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    clearTimeout(this.#timer);
    const ws = this.#ws;
    this.#forget();
    ws?.close();
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.hooks.onStatus("connecting");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const ws = new WebSocket(`${scheme}://${location.host}${this.path}`);
    this.#ws = ws;
    const limit = setTimeout(() => ws.close(), CONNECT_LIMIT_MS);
    ws.onopen = () => {
      clearTimeout(limit);
      this.#lastFrame = performance.now();
      this.hooks.onStatus("open");
      this.hooks.onOpen();
      this.#watch = setInterval(this.#checkSilence, this.silenceMs / 4);
    };
    ws.onmessage = (message: MessageEvent<string>) => {
      this.#failures = 0;
      this.#lastFrame = performance.now();
      this.hooks.onFrame(JSON.parse(message.data));
    };
    ws.onclose = () => {
      clearTimeout(limit);
      if (this.#ws !== ws) return;
      this.#forget();
      this.#retry();
    };
  }

  #forget(): void {
    clearInterval(this.#watch);
    if (this.#ws) this.#ws.onopen = this.#ws.onmessage = this.#ws.onclose = null;
    this.#ws = null;
  }

  #retry(): void {
    if (this.#closed) return;
    this.#failures += 1;
    this.hooks.onStatus("waiting");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), pauseAfter(this.#failures, Math.random()));
  }

  /** Back online or back in view: no reason to wait out a long pause. */
  #wake = (): void => {
    if (document.visibilityState === "hidden") return;
    if (this.#ws === null && !this.#closed) this.#connect();
    else this.#checkSilence();
  };

  #checkSilence = (): void => {
    if (this.#ws?.readyState !== WebSocket.OPEN) return;
    const silent = performance.now() - this.#lastFrame;
    if (silent > this.silenceMs) this.restart();
    else if (silent > this.silenceMs / 2) this.send(this.question);
  };
}
