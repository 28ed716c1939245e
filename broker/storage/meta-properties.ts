/**
 * Whose data a directory holds, in Java's properties format as Kafka writes it.
 *
 *   meta.properties := "version=1\ncluster.id=" 22 characters "\nnode.id=" number
 *                      "\ndirectory.id=" 22 characters "\n"
 *
 * DO NOT CHANGE: on disk. Written once, kept for ever. Version 0, of Kafka
 * before KRaft, calls the node `broker.id`.
 *
 * `millrace.properties` holds `format.version`, which grows when something in
 * the directory changes that Kafka's own formats do not describe.
 */
import { StorageError } from "./storage-error.ts";

export const FORMAT_VERSION = 1;
/** Kafka's `MetaPropertiesVersion`. */
const META_VERSION = 1;

export interface MetaProperties {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly directoryId: string;
}

export function formatMetaProperties(meta: MetaProperties): Uint8Array {
  return formatProperties([
    ["version", String(META_VERSION)],
    ["cluster.id", meta.clusterId],
    ["node.id", String(meta.nodeId)],
    ["directory.id", meta.directoryId],
  ]);
}

/**
 * `directoryId` stands in where an old file names none. Throws `corrupt-file`,
 * `format-too-new` for a version that Kafka has invented since.
 */
export function parseMetaProperties(
  bytes: Uint8Array,
  path: string,
  directoryId: string,
): MetaProperties {
  const properties = parseProperties(bytes);
  const version = properties.get("version") ?? "0";
  if (!/^\d{1,9}$/.test(version)) {
    throw new StorageError("corrupt-file", path, `version "${version}"`);
  }
  if (Number(version) > META_VERSION) {
    throw new StorageError(
      "format-too-new",
      path,
      `meta.properties of version ${version}; this Millrace knows versions up to ${META_VERSION}`,
    );
  }
  const clusterId = properties.get("cluster.id");
  const node = properties.get("node.id") ?? properties.get("broker.id");
  const nodeId = Number(node);
  if (clusterId === undefined || clusterId === "") {
    throw new StorageError("corrupt-file", path, "no cluster.id");
  }
  if (node === undefined || !/^\d+$/.test(node) || nodeId > 0x7fffffff) {
    throw new StorageError(
      "corrupt-file",
      path,
      `node.id ${node ?? "missing"}`,
    );
  }
  return {
    clusterId,
    nodeId,
    directoryId: properties.get("directory.id") ?? directoryId,
  };
}

export function formatFormatProperties(): Uint8Array {
  return formatProperties([["format.version", String(FORMAT_VERSION)]]);
}

/** Throws `format-too-new` for what this build cannot read, `corrupt-file` for nonsense. */
export function checkFormatProperties(bytes: Uint8Array, path: string): void {
  const text = parseProperties(bytes).get("format.version") ?? "";
  const version = Number(text);
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new StorageError("corrupt-file", path, `format.version "${text}"`);
  }
  if (version > FORMAT_VERSION) {
    throw new StorageError(
      "format-too-new",
      path,
      `written in format ${version}; this Millrace knows formats up to ${FORMAT_VERSION}`,
    );
  }
}

function formatProperties(
  entries: readonly (readonly [string, string])[],
): Uint8Array {
  const lines = entries.map(([name, value]) => `${name}=${value}\n`);
  return new TextEncoder().encode(lines.join(""));
}

/** As much of Java's format as Kafka uses: no escapes, no continued lines. */
function parseProperties(bytes: Uint8Array): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of new TextDecoder().decode(bytes).split(/\r?\n/)) {
    const match = /^\s*([^#!\s=:][^=:\s]*)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (match?.[1] !== undefined) properties.set(match[1], match[2] ?? "");
  }
  return properties;
}
