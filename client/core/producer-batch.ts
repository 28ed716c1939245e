/**
 * A batch on its way: records of one partition that are sent, retried, and
 * settled together.
 *
 * Its bytes are made when it is first sent. From then on producer id, epoch and
 * sequence stand in them, and every retry sends the same bytes, by which the
 * broker knows a repetition. Only a batch that the broker has certainly not
 * taken may be stamped anew.
 */
import { assert } from "../../broker/lib/assert.ts";
import { writeInt16, writeInt32, writeInt64 } from "../../broker/lib/bytes.ts";
import { addToSequence, computeCrc } from "../../broker/record/batch.ts";
import { BatchBuilder } from "../../broker/record/batch-builder.ts";
import {
  BASE_SEQUENCE_AT,
  CRC_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  type CompressionName,
} from "../../broker/record/batch-format.ts";
import { openRecords, type NewRecord } from "../../broker/record/record.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import { ClientError } from "../errors.ts";

/** Whoever waits for one record. Both calls are harmless after the first. */
export interface Delivery {
  /** On the client's monotonic clock; later it fails. */
  readonly deadlineMs: number;
  delivered(partition: number, offset: number): void;
  failed(error: ClientError): void;
}

/** A producer id in one partition, where its sequences count from 0. */
export interface SequencedIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
  nextSequence: number;
}

export interface Stamp {
  readonly identity: SequencedIdentity;
  readonly sequence: number;
}

const INFLATED_SIZE_BYTES_MAX = 1024 * 1024 * 1024;

export class ProducerBatch {
  /** Number of its first record among all of this producer in this partition: what orders batches. */
  readonly ordinal: number;
  readonly deliveries: Delivery[] = [];
  readonly #builder = new BatchBuilder();
  #bytes: Uint8Array | null = null;
  #stamp: Stamp | null = null;
  /** Tries that have ended without success. */
  attempts = 0;
  /** Why the last of them did not succeed. */
  lastError: ClientError | null = null;
  /** Java's `linger.ms` is over, or somebody flushes. */
  isDue = false;

  constructor(ordinal: number) {
    this.ordinal = ordinal;
  }

  get recordsCount(): number {
    return this.deliveries.length;
  }

  get deadlineMs(): number {
    return this.deliveries[0]?.deadlineMs ?? 0;
  }

  get stamp(): Stamp | null {
    return this.#stamp;
  }

  get isEmpty(): boolean {
    return this.deliveries.length === 0;
  }

  /** Before compression. */
  get sizeBytes(): number {
    return this.#builder.sizeBytes;
  }

  sizeBytesWith(record: NewRecord): number {
    return this.#builder.sizeBytesWith(record);
  }

  append(record: NewRecord, delivery: Delivery): void {
    assert(this.#bytes === null, "a batch that was sent takes no records");
    this.#builder.append(record);
    this.deliveries.push(delivery);
  }

  /** The bytes to send; made at the first call. Throws `not-supported` where the codec is missing. */
  encode(compression: CompressionName, stamp: Stamp | null): Uint8Array {
    if (this.#bytes === null) {
      const built = this.#builder.buildCompressed(compression, {
        producer: stamp === null ? null : producerOf(stamp),
      });
      if (built instanceof RecordError) {
        throw new ClientError("not-supported", built.message, { cause: built });
      }
      this.#bytes = built;
    } else if (stamp !== this.#stamp && stamp !== null) {
      restamp(this.#bytes, stamp);
    }
    this.#stamp = stamp;
    return this.#bytes;
  }

  /** The broker has certainly not taken it: it may go out under another identity. */
  unstamp(): void {
    this.#stamp = null;
  }

  /** Two halves in its place, under the same sequences; the broker has not taken it. */
  split(compression: CompressionName): readonly [ProducerBatch, ProducerBatch] {
    assert(this.#bytes !== null && this.recordsCount > 1, "nothing to split");
    const middle = Math.ceil(this.recordsCount / 2);
    const first = new ProducerBatch(this.ordinal);
    const second = new ProducerBatch(this.ordinal + middle);
    for (const [index, record] of recordsIn(this.#bytes).entries()) {
      const delivery = this.deliveries[index];
      assert(delivery !== undefined, "a delivery for each record");
      (index < middle ? first : second).append(record, delivery);
    }
    const stamp = this.#stamp;
    const later =
      stamp === null
        ? null
        : { ...stamp, sequence: addToSequence(stamp.sequence, middle) };
    for (const half of [first, second]) half.attempts = this.attempts;
    first.encode(compression, stamp);
    second.encode(compression, later);
    return [first, second];
  }
}

function producerOf({ identity, sequence }: Stamp) {
  return {
    id: identity.producerId,
    epoch: identity.producerEpoch,
    baseSequence: sequence,
  };
}

function restamp(bytes: Uint8Array, { identity, sequence }: Stamp): void {
  writeInt64(bytes, PRODUCER_ID_AT, identity.producerId);
  writeInt16(bytes, PRODUCER_EPOCH_AT, identity.producerEpoch);
  writeInt32(bytes, BASE_SEQUENCE_AT, sequence);
  writeInt32(bytes, CRC_AT, computeCrc(bytes, 0));
}

/** Our own bytes, so what is wrong with them is a bug. */
function recordsIn(bytes: Uint8Array): readonly NewRecord[] {
  const reader = openRecords(bytes, 0, {
    sizeBytesMax: INFLATED_SIZE_BYTES_MAX,
  });
  assert(!(reader instanceof RecordError), "a batch of ours can be read");
  const records: NewRecord[] = [];
  for (;;) {
    const record = reader.next();
    assert(!(record instanceof RecordError), "a record of ours can be read");
    if (record === null) return records;
    records.push(record);
  }
}
