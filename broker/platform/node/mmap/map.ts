/**
 * What a way of mapping files has to offer.
 *
 * A map is read-only and shared: it shows what is in the page cache, and the
 * file changes only through `write`. `position` is a multiple of the system's
 * page (all callers use whole megabytes).
 */

export interface FileMap {
  /** The bytes where the kernel keeps them; empty after `release`, where the way can do that. */
  readonly bytes: Uint8Array;
  /**
   * Whether the whole range is in memory now, as far as can be told; false when
   * it cannot. `position` counts from the map's start.
   */
  isResident(position: number, sizeBytes: number): boolean;
  /** To be called once, when nobody reads the bytes any more, the system included. */
  release(): void;
}

export interface MapProvider {
  /** Null where it is not possible: the caller reads instead. */
  map(fd: number, position: number, sizeBytes: number): FileMap | null;
}
