/**
 * A file to look at, as little as reading it needs: a file of the broker's
 * disk will do, and so will one that the command line has opened.
 */

export interface InspectedFile {
  readonly sizeBytes: number;
  /** Fills `target` from a position on, as far as the file goes; answers how many bytes. */
  read(target: Uint8Array, position: number): Promise<number>;
}

/** The range, or as much of it as the file has. */
export async function readRange(
  file: InspectedFile,
  position: number,
  sizeBytes: number,
): Promise<Uint8Array> {
  const left = Math.max(0, file.sizeBytes - position);
  const bytes = new Uint8Array(Math.min(sizeBytes, left));
  return bytes.subarray(0, await file.read(bytes, position));
}
