/**
 * Mistakes that plain JavaScript makes easy, found where they are handed in:
 * behind it they would be a `TypeError` of ours, or a word that the broker
 * refuses without saying which ones it takes.
 */
import { ClientError } from "../errors.ts";

/** Throws `invalid-argument` for what `topic()` did not make, nor could have. */
export function mustBeTopic(topic: unknown, call: string): void {
  const isTopic =
    typeof topic === "object" &&
    topic !== null &&
    "name" in topic &&
    typeof topic.name === "string" &&
    "key" in topic &&
    "value" in topic;
  if (isTopic) return;
  throw invalid(
    `${call} takes a topic such as topic("orders", { format: "text" }), not ${shown(topic)}`,
  );
}

/** The name of a topic where only its name is wanted. */
export function mustBeName(name: unknown, call: string): void {
  if (typeof name === "string" && name !== "") return;
  throw invalid(`${call} takes a topic's name, not ${shown(name)}`);
}

/** What `admin.createTopic` takes. Configurations are the broker's to judge. */
export function mustBeNewTopic(topic: unknown): void {
  const name =
    typeof topic === "object" && topic !== null && "name" in topic
      ? topic.name
      : null;
  if (typeof name === "string" && name !== "") return;
  throw invalid(
    `createTopic takes an object such as { name: "orders", partitionCount: 3 }, not ${shown(topic)}`,
  );
}

/** Where a group without committed offsets begins. */
export function mustBeFrom(from: unknown): void {
  if (isSymbolic(from)) return;
  throw invalid(
    `from is ${shown(from)}; it is "earliest", "latest" or { timestamp: <ms since the epoch> }`,
  );
}

/** Where reading is to go on. */
export function mustBeSeekTarget(offset: unknown): void {
  if (isSymbolic(offset)) return;
  if (typeof offset === "number" && Number.isSafeInteger(offset)) {
    if (offset >= 0) return;
  }
  throw invalid(
    `an offset is ${shown(offset)}; it is a whole number from 0 on, "earliest", "latest" or { timestamp: <ms since the epoch> }`,
  );
}

function isSymbolic(value: unknown): boolean {
  if (value === "earliest" || value === "latest") return true;
  if (typeof value !== "object" || value === null) return false;
  return "timestamp" in value && Number.isSafeInteger(value.timestamp);
}

function shown(value: unknown): string {
  return typeof value === "object" || typeof value === "string"
    ? JSON.stringify(value)
    : String(value);
}

function invalid(detail: string): ClientError {
  return new ClientError("invalid-argument", detail);
}
