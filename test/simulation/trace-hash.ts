/**
 * A hash of everything that happens in a run, in order. Two runs with the same
 * hash went the same way; it says nothing to anybody who wants to cheat it.
 *
 * Two 32-bit multiplicative hashes side by side, over the UTF-16 units.
 */
export class TraceHash {
  #high = 0x811c9dc5;
  #low = 0x9e3779b9;

  add(text: string): void {
    let high = this.#high;
    let low = this.#low;
    for (let index = 0; index < text.length; index += 1) {
      const unit = text.charCodeAt(index);
      high = Math.imul(high ^ unit, 0x01000193);
      low = Math.imul((low ^ unit) + (low >>> 15), 0x85ebca6b);
    }
    this.#high = high;
    this.#low = low;
  }

  /** 16 hexadecimal digits. */
  get value(): string {
    return hexOf(this.#high) + hexOf(this.#low);
  }
}

function hexOf(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
