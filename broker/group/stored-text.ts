/**
 * Which texts the log can hold. One that came in is not always one that can be
 * written: each byte that is no UTF-8 was read as a character of three bytes.
 */
import { STRING_SIZE_MAX } from "../wire/reader.ts";

/** A UTF-16 unit takes three bytes at most. */
const SIZE_BYTES_PER_UNIT_MAX = 3;

export function isStorable(text: string): boolean {
  return (
    text.length * SIZE_BYTES_PER_UNIT_MAX <= STRING_SIZE_MAX ||
    Buffer.byteLength(text) <= STRING_SIZE_MAX
  );
}

/** Each of a group's offsets is stored with its id; no real one is so long. */
const GROUP_ID_LENGTH_MAX = 1_024;

export function isStorableGroupId(groupId: string): boolean {
  return groupId.length <= GROUP_ID_LENGTH_MAX;
}
