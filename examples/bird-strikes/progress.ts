/** What is seen while it runs: one line that changes on a terminal, a line a quarter elsewhere. */
import { stdout } from "node:process";

const BAR_WIDTH = 30;

export interface Counts {
  readonly fed: number;
  readonly done: number;
  readonly total: number;
  readonly recordsPerSecond: number;
}

export class ProgressLine {
  readonly #isTerminal = stdout.isTTY === true;
  #quarter = -1;

  update(counts: Counts): void {
    if (this.#isTerminal) {
      stdout.write(`\r\u001b[K${lineOf(counts)}`);
      return;
    }
    const quarter = Math.floor((4 * counts.done) / counts.total);
    if (quarter === this.#quarter) return;
    this.#quarter = quarter;
    stdout.write(`${lineOf(counts)}\n`);
  }

  end(counts: Counts): void {
    if (this.#isTerminal) stdout.write(`\r\u001b[K${lineOf(counts)}\n`);
    else this.update(counts);
  }
}

function lineOf({ fed, done, total, recordsPerSecond }: Counts): string {
  const share = done / total;
  const filled = Math.floor(share * BAR_WIDTH);
  const bar = "#".repeat(filled) + ".".repeat(BAR_WIDTH - filled);
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  const rate = grouped(Math.round(recordsPerSecond));
  return `  ${bar} ${percent}  fed ${grouped(fed)}  done ${grouped(done)}  ${rate} records/s`;
}

/** 12345 as 12,345, wherever the program runs. */
export function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
