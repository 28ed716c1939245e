/**
 * What was sent and is not settled yet: how many bytes, and which part of it a
 * `flush` waits for.
 *
 * Records belong to the period in which they were sent, and each flush begins
 * a new one: so it ends although others go on sending.
 */
interface Period {
  count: number;
  readonly number: number;
}

export class Outstanding {
  readonly #sizeBytesMax: number;
  #sizeBytes = 0;
  #current: Period = { count: 0, number: 0 };
  /** Periods with something unsettled, oldest first. */
  readonly #open: Period[] = [];
  #flushes: { readonly until: number; readonly resolve: () => void }[] = [];

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }

  /** One record may always be on its way, however large. */
  hasRoom(sizeBytes: number): boolean {
    return (
      this.#sizeBytes === 0 || this.#sizeBytes + sizeBytes <= this.#sizeBytesMax
    );
  }

  reserve(sizeBytes: number): void {
    this.#sizeBytes += sizeBytes;
  }

  release(sizeBytes: number): void {
    this.#sizeBytes -= sizeBytes;
  }

  /** A record was sent; the answer is to be called when it is settled. */
  begin(): () => void {
    const period = this.#current;
    if (period.count === 0) this.#open.push(period);
    period.count += 1;
    return () => {
      period.count -= 1;
      if (period.count === 0) this.#closed(period);
    };
  }

  /** Resolves when everything begun before is settled. */
  flushed(): Promise<void> {
    const until = this.#current.number;
    this.#current = { count: 0, number: until + 1 };
    return new Promise((resolve) => {
      this.#flushes.push({ until, resolve });
      this.#settleFlushes();
    });
  }

  #closed(period: Period): void {
    this.#open.splice(this.#open.indexOf(period), 1);
    this.#settleFlushes();
  }

  #settleFlushes(): void {
    const oldest = this.#open[0]?.number ?? Infinity;
    const settled = this.#flushes.filter(({ until }) => until < oldest);
    this.#flushes = this.#flushes.filter(({ until }) => until >= oldest);
    for (const { resolve } of settled) resolve();
  }
}
