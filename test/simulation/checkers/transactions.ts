/**
 * Whoever reads committed records sees a transaction whole or not at all: all
 * of one whose commit was acknowledged, nothing of one that was aborted or is
 * still open, and of one whose end nobody knows, everything or nothing.
 */
import type { Observation } from "../../support/sim-observation.ts";
import { BrokenPromise, inMap } from "./checker.ts";
import type { Checker } from "./checker.ts";

interface Transaction {
  readonly ids: string[];
  /** Null: nobody knows. */
  isCommitted: boolean | null;
}

export function createTransactionsChecker(): Checker {
  const transactions = new Map<string, Transaction>();
  const transactionOf = (name: string): Transaction =>
    inMap(transactions, name, () => ({ ids: [], isCommitted: null }));

  const check = (
    name: string,
    { ids, isCommitted }: Transaction,
    found: ReadonlySet<string>,
    isAll: boolean,
  ): void => {
    const count = ids.filter((id) => found.has(id)).length;
    const isWhole = count === ids.length;
    const holds =
      isCommitted === false
        ? count === 0
        : !isAll || isWhole || (isCommitted === null && count === 0);
    if (holds) return;
    const end =
      isCommitted === null
        ? "whose end nobody knows"
        : isCommitted
          ? "that was committed"
          : "that was aborted";
    const detail = `${count} of ${ids.length} records of ${name}, ${end}, are seen`;
    throw new BrokenPromise("transactions", detail);
  };

  return {
    see(observation: Observation): void {
      switch (observation.kind) {
        case "in-transaction":
          transactionOf(observation.transaction).ids.push(...observation.ids);
          break;
        case "ended-transaction":
          transactionOf(observation.transaction).isCommitted =
            observation.isCommitted;
          break;
        case "read-committed": {
          const found = new Set(observation.ids);
          for (const [name, transaction] of transactions) {
            check(name, transaction, found, observation.isAll);
          }
          break;
        }
        default:
      }
    },
  };
}
