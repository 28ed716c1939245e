import { describe, expect, it } from "vitest";
import { FileGate } from "../../../broker/storage/file-gate.ts";

/** Notes when a job begins and ends; it ends when it is told to. */
class Course {
  readonly gate = new FileGate();
  readonly events: string[] = [];
  readonly #ends = new Map<string, () => void>();

  start(kind: "read" | "move", name: string): void {
    void this.gate[kind](async () => {
      this.events.push(`${name} begins`);
      await new Promise<void>((resolve) => this.#ends.set(name, resolve));
      this.events.push(`${name} ends`);
    });
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    await this.settle();
  }

  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("a file gate", () => {
  it("lets reads go side by side", async () => {
    const course = new Course();
    course.start("read", "r1");
    course.start("read", "r2");
    await course.settle();
    expect(course.events).toEqual(["r1 begins", "r2 begins"]);
  });

  it("has a move wait for the reads under way, and later reads for the move", async () => {
    const course = new Course();
    course.start("read", "r1");
    course.start("move", "m");
    course.start("read", "r2");
    await course.end("r1");
    await course.end("m");
    await course.end("r2");
    expect(course.events).toEqual([
      "r1 begins",
      "r1 ends",
      "m begins",
      "m ends",
      "r2 begins",
      "r2 ends",
    ]);
  });

  it("has one move wait for the other", async () => {
    const course = new Course();
    course.start("move", "m1");
    course.start("move", "m2");
    await course.end("m1");
    await course.end("m2");
    expect(course.events).toEqual([
      "m1 begins",
      "m1 ends",
      "m2 begins",
      "m2 ends",
    ]);
  });

  it("opens again after a move or a read that fails", async () => {
    const gate = new FileGate();
    const fail = () => Promise.reject(new Error("no"));
    await expect(gate.read(fail)).rejects.toThrow("no");
    await expect(gate.move(fail)).rejects.toThrow("no");
    expect(await gate.read(async () => 1)).toBe(1);
  });
});
