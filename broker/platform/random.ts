/** Randomness as the broker sees it. */
export interface Random {
  /** `sizeBytes` unpredictable bytes. */
  bytes(sizeBytes: number): Uint8Array;
  /** A number in [0, 1). */
  fraction(): number;
}
