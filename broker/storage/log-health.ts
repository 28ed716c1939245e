/**
 * Whether a log can be used: what took it offline, and whether it was closed.
 *
 * Offline is final for this log: nobody knows what is in its files until they
 * are opened anew.
 */
import { StorageError } from "./storage-error.ts";

export class LogHealth {
  readonly #failed: (fault: StorageError) => void;
  #fault: StorageError | null = null;
  #isClosed = false;

  /** `failed` is called once, with the first fault. */
  constructor(failed: (fault: StorageError) => void) {
    this.#failed = failed;
  }

  /** Why the log takes nothing any more, or null. */
  get fault(): StorageError | null {
    return this.#fault;
  }

  /** Offline or closed. */
  get isOver(): boolean {
    return this.#fault !== null || this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
  }

  goOffline(fault: StorageError): void {
    if (this.#fault !== null) return;
    this.#fault = fault;
    this.#failed(fault);
  }

  /** A disk that cannot give back what is on it: the log goes offline. */
  async watch<Result>(reading: Promise<Result>): Promise<Result> {
    try {
      return await reading;
    } catch (error) {
      const isFault =
        error instanceof StorageError && error.code === "storage-offline";
      if (isFault && !this.#isClosed) this.goOffline(error);
      throw error;
    }
  }
}
