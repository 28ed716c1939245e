/**
 * A Kafka client that does as little as can be done: it sends prebuilt frames
 * and finds the ends of answers, so that the broker's work is what is measured.
 */
import net from "node:net";

export class KafkaSocket {
  readonly #socket: net.Socket;
  readonly #waiting: ((frame: Uint8Array) => void)[] = [];
  #pieces: Buffer[] = [];
  #heldSizeBytes = 0;
  /** Bytes that came in, in all. */
  receivedSizeBytes = 0;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#receive(chunk));
  }

  static connect(port: number): Promise<KafkaSocket> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new KafkaSocket(socket)));
    });
  }

  /** Resolves with the answer, without its length. Answers come in the order of the requests. */
  request(frame: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(frame);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.receivedSizeBytes += chunk.length;
    this.#pieces.push(chunk);
    this.#heldSizeBytes += chunk.length;
    for (;;) {
      const first = this.#pieces[0];
      if (first === undefined || this.#heldSizeBytes < 4) return;
      const head = first.length < 4 ? this.#join() : first;
      const frameSizeBytes = 4 + head.readInt32BE(0);
      if (this.#heldSizeBytes < frameSizeBytes) return;
      const all = this.#join();
      const rest = all.subarray(frameSizeBytes);
      this.#pieces = rest.length === 0 ? [] : [rest];
      this.#heldSizeBytes = rest.length;
      this.#waiting.shift()?.(all.subarray(4, frameSizeBytes));
    }
  }

  #join(): Buffer {
    const [only] = this.#pieces;
    const joined =
      this.#pieces.length === 1 && only !== undefined
        ? only
        : Buffer.concat(this.#pieces);
    this.#pieces = [joined];
    return joined;
  }
}
