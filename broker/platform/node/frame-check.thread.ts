/**
 * The thread that walks over frames of files; see frame-checker.ts. Descriptors
 * belong to the whole process, so it reads through those of the main thread,
 * which keeps them open until it has been answered.
 */
import * as fs from "node:fs";
import { parentPort } from "node:worker_threads";
import { FrameWalk } from "../../lib/checked-frames.ts";
import type { FrameAnswer, FrameQuestion } from "./frame-checker.ts";

parentPort?.on("message", (question: FrameQuestion) => {
  parentPort?.postMessage(answerOf(question));
});

let buffer = new Uint8Array(1024 * 1024);

function answerOf({ id, fd, format, range }: FrameQuestion): FrameAnswer {
  const walk = new FrameWalk(format, range);
  try {
    for (let wants = walk.wants; wants !== null; wants = walk.wants) {
      const { position, sizeBytes } = wants;
      if (buffer.length < sizeBytes) buffer = new Uint8Array(sizeBytes);
      let done = 0;
      while (done < sizeBytes) {
        const left = sizeBytes - done;
        const count = fs.readSync(fd, buffer, done, left, position + done);
        if (count === 0) break;
        done += count;
      }
      walk.take(buffer.subarray(0, done));
    }
    return { id, bad: walk.bad, failure: null };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    const detail = error instanceof Error ? error.message : String(error);
    return { id, bad: null, failure: { code: String(code ?? "EIO"), detail } };
  }
}
