/**
 * A topic that was created is there until it is deleted; one that was deleted
 * is gone until it is created again. A request without an answer may be carried
 * out at any time while the broker that got it lives.
 */
import type { Observation } from "../../support/sim-observation.ts";
import { BrokenPromise, inMap } from "./checker.ts";
import type { Checker } from "./checker.ts";

interface Known {
  /** Null: nobody knows. */
  exists: boolean | null;
  /** Requests that were not answered, and may still be carried out. */
  openCount: number;
  /** Counts changes, so that a question knows what came while it was asked. */
  version: number;
}

export function createTopicsChecker(): Checker {
  const topics = new Map<string, Known>();
  const asked = new Map<number, ReadonlyMap<string, number>>();
  const knownOf = (topic: string): Known =>
    inMap(topics, topic, () => ({ exists: false, openCount: 0, version: 0 }));

  const request = (topic: string): void => {
    const known = knownOf(topic);
    known.openCount += 1;
    known.version += 1;
  };
  const answer = (topic: string, exists: boolean): void => {
    const known = knownOf(topic);
    known.openCount -= 1;
    known.version += 1;
    known.exists = known.openCount === 0 ? exists : null;
  };

  return {
    see(observation: Observation): void {
      switch (observation.kind) {
        case "creating-topic":
        case "deleting-topic":
          request(observation.topic);
          break;
        case "created-topic":
          answer(observation.topic, true);
          break;
        case "deleted-topic":
          answer(observation.topic, false);
          break;
        case "stopped":
          for (const known of topics.values()) {
            if (known.openCount > 0) known.exists = null;
            known.openCount = 0;
          }
          break;
        case "asking-topics":
          asked.set(
            observation.call,
            new Map([...topics].map(([name, { version }]) => [name, version])),
          );
          break;
        case "found-topics": {
          const versions = asked.get(observation.call);
          const found = new Set(observation.topics);
          for (const [name, { exists, openCount, version }] of topics) {
            if (exists === null || openCount > 0) continue;
            if (versions?.get(name) !== version || found.has(name) === exists)
              continue;
            const detail = exists
              ? `${name} was created, and is gone`
              : `${name} was deleted, or never created, and is there`;
            throw new BrokenPromise("topics", detail);
          }
          break;
        }
        default:
      }
    },
  };
}
