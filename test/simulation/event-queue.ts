/**
 * Events by time, and at the same time in the order in which they were put in:
 * a binary heap, as thousands wait while one is fired.
 */

export interface SimEvent {
  readonly atUs: number;
  readonly sequence: number;
  /** What it is, for the trace: `disk sync`, `timer`, `arrive`, ... */
  readonly kind: string;
  readonly detail: string;
  readonly fire: () => void;
  isCancelled: boolean;
}

export class EventQueue {
  readonly #heap: SimEvent[] = [];

  get size(): number {
    return this.#heap.length;
  }

  push(event: SimEvent): void {
    const heap = this.#heap;
    let slot = heap.length;
    while (slot > 0) {
      const parentSlot = (slot - 1) >>> 1;
      const parent = heap[parentSlot];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[slot] = parent;
      slot = parentSlot;
    }
    heap[slot] = event;
  }

  /** The earliest event, or null. */
  pop(): SimEvent | null {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length > 0) this.#sinkFromTop(last);
    return first;
  }

  #sinkFromTop(event: SimEvent): void {
    const heap = this.#heap;
    let slot = 0;
    for (;;) {
      const left = heap[2 * slot + 1];
      if (left === undefined) break;
      const right = heap[2 * slot + 2];
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (!isBefore(child, event)) break;
      heap[slot] = child;
      slot = 2 * slot + (isRight ? 2 : 1);
    }
    heap[slot] = event;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.sequence < b.sequence);
}
