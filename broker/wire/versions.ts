/**
 * Ranges of message versions, in the notation of Kafka's own definitions:
 *
 *   range := first "+" | first "-" last | only | "none"
 */

export interface VersionRange {
  readonly first: number;
  /** Inclusive. Infinity for an open range; below `first` for an empty one. */
  readonly last: number;
}

export const NO_VERSIONS: VersionRange = { first: 0, last: -1 };
export const ALL_VERSIONS: VersionRange = { first: 0, last: Infinity };

/** Throws a `SyntaxError` for text that is no range: ranges are written by us. */
export function parseVersions(text: string): VersionRange {
  if (text === "none") return NO_VERSIONS;
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  if (match === null) throw new SyntaxError(`not a version range: ${text}`);
  const first = Number(match[1]);
  if (match[2] !== undefined) return { first, last: Infinity };
  return { first, last: match[3] === undefined ? first : Number(match[3]) };
}

export function includesVersion(range: VersionRange, version: number): boolean {
  return version >= range.first && version <= range.last;
}
