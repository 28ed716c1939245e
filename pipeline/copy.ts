/**
 * Copies for branches: what one branch does to its value is not seen by the
 * others, nor by the dead letter.
 *
 * Plain data is copied: objects and arrays as JSON gives them, maps, sets,
 * dates and bytes, with shared and circular references kept. Instances of
 * classes and functions are handed on as they are, as nobody but their class
 * knows how to copy them (`structuredClone` would silently take their
 * prototype away).
 */
export function copyOf(
  value: unknown,
  seen: Map<object, unknown> = new Map(),
): unknown {
  if (typeof value !== "object" || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) return copyArray(value, seen);
  switch (Object.getPrototypeOf(value)) {
    case Object.prototype:
    case null:
      return copyPlain(value, seen);
    case Map.prototype:
      return value instanceof Map ? copyMap(value, seen) : value;
    case Set.prototype:
      return value instanceof Set ? copySet(value, seen) : value;
    case Date.prototype:
      return value instanceof Date ? new Date(value.getTime()) : value;
  }
  // `slice` of a Buffer would be a view of the same bytes.
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  return value;
}

function copyArray(
  value: readonly unknown[],
  seen: Map<object, unknown>,
): unknown[] {
  const copy: unknown[] = [];
  seen.set(value, copy);
  for (const item of value) copy.push(copyOf(item, seen));
  return copy;
}

function copyPlain(value: object, seen: Map<object, unknown>): object {
  const copy: Record<string, unknown> = Object.create(
    Object.getPrototypeOf(value),
  );
  seen.set(value, copy);
  for (const [name, item] of Object.entries(value)) {
    // `__proto__` is an ordinary name in JSON, but not in an assignment.
    if (name === "__proto__") define(copy, name, copyOf(item, seen));
    else copy[name] = copyOf(item, seen);
  }
  return copy;
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function copyMap(
  value: ReadonlyMap<unknown, unknown>,
  seen: Map<object, unknown>,
): Map<unknown, unknown> {
  const copy = new Map<unknown, unknown>();
  seen.set(value, copy);
  for (const [key, item] of value) {
    copy.set(copyOf(key, seen), copyOf(item, seen));
  }
  return copy;
}

function copySet(
  value: ReadonlySet<unknown>,
  seen: Map<object, unknown>,
): Set<unknown> {
  const copy = new Set<unknown>();
  seen.set(value, copy);
  for (const item of value) copy.add(copyOf(item, seen));
  return copy;
}
