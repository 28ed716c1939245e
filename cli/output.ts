/**
 * Standard output, with back-pressure. Whoever reads it may go at any time
 * (`| head`): then nothing more is written, and that is no error.
 */
import { CliFailure } from "./failure.ts";

export interface Output {
  /** Resolves when there is room for more. After the reader has gone it does nothing. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** Aborted when the reader has gone. */
  readonly closed: AbortSignal;
}

/** To be made once, before anything is written. */
export function openOutput(
  stream: NodeJS.WriteStream = process.stdout,
): Output {
  const closing = new AbortController();
  const closed = closing.signal;
  let failure: Error | null = null;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "EOF") failure = error;
    closing.abort();
  });
  return {
    closed,
    async write(bytes) {
      if (!closed.aborted && bytes.length > 0 && !stream.write(bytes)) {
        await drained(stream, closed);
      }
      if (failure !== null) {
        throw new CliFailure(`cannot write the output: ${failure.message}`);
      }
    },
  };
}

function drained(stream: NodeJS.WriteStream, closed: AbortSignal) {
  return new Promise<void>((resolve) => {
    const done = () => {
      stream.off("drain", done);
      closed.removeEventListener("abort", done);
      resolve();
    };
    stream.on("drain", done);
    closed.addEventListener("abort", done);
  });
}

/** A line for people, beside the output. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
