import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryDisk } from "../../../../broker/platform/memory/memory-disk.ts";

const step = fc.oneof(
  fc.record({
    kind: fc.constant("append" as const),
    sizes: fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant("truncate" as const),
    keep: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant("look" as const),
    from: fc.double({ min: 0, max: 1.1, noNaN: true }),
    sizeBytes: fc.integer({ min: 0, max: 30_000 }),
  }),
);

test("a memory file holds what a plain array of bytes would", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const file = await new MemoryDisk().open("log", "append");
      let model = Buffer.alloc(0);
      let next = 0;
      for (const action of steps) {
        if (action.kind === "append") {
          const parts = action.sizes.map((sizeBytes) =>
            Uint8Array.from({ length: sizeBytes }, () => (next += 7) & 255),
          );
          await file.append(parts);
          model = Buffer.concat([model, ...parts]);
        } else if (action.kind === "truncate") {
          const sizeBytes = Math.floor(action.keep * model.length);
          await file.truncate(sizeBytes);
          model = model.subarray(0, sizeBytes);
        } else {
          const position = Math.floor(action.from * model.length);
          const expected = model.subarray(
            position,
            position + action.sizeBytes,
          );
          const target = Buffer.alloc(action.sizeBytes);
          const count = await file.read(target, position);
          expect(count).toBe(expected.length);
          expect(target.subarray(0, count).equals(expected)).toBe(true);
          const window = file.map(position, action.sizeBytes);
          if (window !== null) {
            expect(expected.equals(window.bytes)).toBe(true);
          }
        }
        expect(file.sizeBytes).toBe(model.length);
      }
    }),
  );
});

test("a window stays as it is while the file grows", async () => {
  const file = await new MemoryDisk().open("log", "append");
  await file.append([Buffer.from("abc")]);
  const window = file.map(0, 3);
  await file.append([Buffer.alloc(1_000_000, "x")]);
  expect(Buffer.from(window?.bytes ?? []).toString()).toBe("abc");
});
