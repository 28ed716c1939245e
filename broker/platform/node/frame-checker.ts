/**
 * Walks over frames of files on a thread of its own, so that a gigabyte of
 * checksums does not stop the event loop.
 *
 * The thread is started when it is first needed, ended when it had nothing to do
 * for a while, and never keeps the process alive. Where none can be had (a
 * bundle without its file, a process out of threads), the same work is done
 * here, a chunk at a time. So is a short range: a thread takes longer to start
 * than that takes to check.
 */
import type { Worker } from "node:worker_threads";
import { walkFrames } from "../../lib/checked-frames.ts";
import type {
  BadFrame,
  FrameFormat,
  FrameRange,
} from "../../lib/checked-frames.ts";

export interface FrameQuestion {
  readonly id: number;
  readonly fd: number;
  readonly format: FrameFormat;
  readonly range: FrameRange;
}

export interface FrameAnswer {
  readonly id: number;
  readonly bad: BadFrame | null;
  /** The read that failed, and with it the walk. */
  readonly failure: { readonly code: string; readonly detail: string } | null;
}

/** What is read where there is no thread. */
export interface CheckedFile {
  readonly fd: number;
  read(target: Uint8Array, position: number): Promise<number>;
}

export interface FrameCheckerOptions {
  /** A range up to this size needs no thread. */
  readonly inlineSizeBytesMax: number;
  readonly idleMs: number;
  /** Throws where there is none to be had. */
  readonly startThread: () => Worker;
}

const IDLE_MS = 10_000;
/** About a millisecond. */
const INLINE_SIZE_BYTES_MAX = 1024 * 1024;

type Settle = (answer: FrameAnswer | null) => void;

export class FrameChecker {
  readonly #options: FrameCheckerOptions;
  /** By the question's id; answered null when the thread is gone. */
  readonly #waiting = new Map<number, Settle>();
  #nextId = 0;
  #thread: Worker | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  /** No thread could be had: it is not tried again. */
  #isInline = false;

  constructor(options: Partial<FrameCheckerOptions> = {}) {
    this.#options = {
      inlineSizeBytesMax: INLINE_SIZE_BYTES_MAX,
      idleMs: IDLE_MS,
      startThread,
      ...options,
    };
  }

  get hasThread(): boolean {
    return this.#thread !== null;
  }

  /** The file stays open meanwhile. Rejects with an error that has the system's code. */
  async check(
    file: CheckedFile,
    format: FrameFormat,
    range: FrameRange,
  ): Promise<BadFrame | null> {
    const sizeBytes = range.endPosition - range.position;
    const answer =
      sizeBytes <= this.#options.inlineSizeBytesMax
        ? null
        : await this.#ask({ fd: file.fd, format, range });
    if (answer === null) {
      return walkFrames((bytes, at) => file.read(bytes, at), format, range);
    }
    const { failure } = answer;
    if (failure === null) return answer.bad;
    throw Object.assign(new Error(failure.detail), { code: failure.code });
  }

  /** Null: there is no thread. */
  #ask(question: Omit<FrameQuestion, "id">): Promise<FrameAnswer | null> {
    const thread = this.#startedThread();
    if (thread === null) return Promise.resolve(null);
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      // Whoever waits for the answer must not see the process end before it.
      thread.ref();
      thread.postMessage({ id, ...question });
    });
  }

  #startedThread(): Worker | null {
    if (this.#thread !== null || this.#isInline) return this.#thread;
    let thread: Worker;
    try {
      thread = this.#options.startThread();
    } catch {
      // Any reason not to have one is good enough: the work is the same here.
      this.#isInline = true;
      return null;
    }
    thread.unref();
    thread.on("message", (answer: FrameAnswer) => this.#settle(answer));
    thread.on("error", () => {
      this.#isInline = true;
      this.#lose(thread);
    });
    thread.on("exit", () => this.#lose(thread));
    this.#thread = thread;
    return thread;
  }

  #settle(answer: FrameAnswer): void {
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size > 0) return;
    this.#thread?.unref();
    this.#idleTimer = setTimeout(() => {
      void this.#thread?.terminate();
      this.#thread = null;
    }, this.#options.idleMs);
    this.#idleTimer.unref();
  }

  #lose(thread: Worker): void {
    if (this.#thread !== thread) return;
    this.#thread = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const settle of waiting) settle(null);
  }
}

/** Beside this file in the sources; an entry point of its own in what is published. */
function startThread(): Worker {
  const path = import.meta.url.endsWith(".ts")
    ? "./frame-check.thread.ts"
    : "../broker/frame-check.js";
  const url = new URL(path, import.meta.url);
  // Loaded now, as most processes never need it.
  const threads = process.getBuiltinModule("node:worker_threads");
  return new threads.Worker(url, { execArgv: [], name: "millrace-check" });
}
