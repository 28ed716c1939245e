/**
 * Where what consumers may see ends, and who is told when that moves.
 *
 * It follows the written end, or the synced one where records are to be seen
 * only once they are on the disk. It never goes back.
 */
import { assert } from "../lib/assert.ts";
import type { LogEnd } from "./log-writer.ts";

export class HighWatermark {
  readonly #listeners = new Set<() => void>();
  #end: LogEnd;

  constructor(end: LogEnd) {
    this.#end = end;
  }

  get end(): LogEnd {
    return this.#end;
  }

  get offset(): number {
    return this.#end.offset;
  }

  moveTo(end: LogEnd): void {
    assert(end.offset >= this.#end.offset, "what was seen is not unseen");
    this.#end = end;
    this.notify();
  }

  /** Answers how to stop. */
  onMove(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Also when it will move no more: whoever waits for it has to look. */
  notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
