import { describe, expect, test } from "vitest";
import type { RequestContext } from "../../../broker/operation/context.ts";
import { Wake, withDeadline } from "../../../broker/operation/wait.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function contextOf(closed: AbortSignal): RequestContext {
  return {
    principal: "User:ANONYMOUS",
    clientId: null,
    clientHost: "127.0.0.1",
    listener: "test",
    connectionId: 1,
    closed,
  };
}

/** Something that can be listened to, and counts who does. */
function createSource() {
  const listeners = new Set<() => void>();
  return {
    listeners,
    append: () => listeners.forEach((listener) => listener()),
    onAppend(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

describe("a wait", () => {
  function start(timeoutMs = 1_000) {
    const clock = new ManualClock();
    const connection = new AbortController();
    const source = createSource();
    const context = contextOf(connection.signal);
    const wake = new Wake(clock, context, [source], timeoutMs);
    return { clock, connection, source, wake };
  }

  test("goes on when a source has more", async () => {
    const { source, wake } = start();
    const next = wake.next();
    source.append();
    await next;
    expect(wake.isOver).toBe(false);
  });

  test("sees what came before anybody waited", async () => {
    const { source, wake } = start();
    source.append();
    await wake.next();
    expect(wake.isOver).toBe(false);
  });

  test("is over at its deadline", async () => {
    const { clock, wake } = start(500);
    const next = wake.next();
    clock.advance(500);
    await next;
    expect(wake.isOver).toBe(true);
  });

  test("is over when the connection is gone, and at once if it was gone before", async () => {
    const { connection, wake } = start();
    const next = wake.next();
    connection.abort();
    await next;
    expect(wake.isOver).toBe(true);
    const late = new Wake(
      new ManualClock(),
      contextOf(connection.signal),
      [],
      1_000,
    );
    expect(late.isOver).toBe(true);
    await late.next();
  });

  test("leaves nothing behind when it is closed", () => {
    const { clock, source, wake } = start();
    expect(source.listeners.size).toBe(1);
    expect(clock.timerCount).toBe(1);
    wake.close();
    expect(source.listeners.size).toBe(0);
    expect(clock.timerCount).toBe(0);
  });
});

describe("a promise with a deadline", () => {
  test("gives what it resolves to in time", async () => {
    const clock = new ManualClock();
    const promise = Promise.resolve("done");
    expect(await withDeadline(clock, promise, 100, "late")).toBe("done");
    expect(clock.timerCount).toBe(0);
  });

  test("gives the other answer when the time is over", async () => {
    const clock = new ManualClock();
    const never = new Promise<string>(() => {});
    const answer = withDeadline(clock, never, 100, "late");
    clock.advance(100);
    expect(await answer).toBe("late");
  });

  test("rejects as the promise does", async () => {
    const failing = Promise.reject(new Error("disk"));
    const answer = withDeadline(new ManualClock(), failing, 100, "late");
    await expect(answer).rejects.toThrow("disk");
  });
});
