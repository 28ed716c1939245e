/**
 * The log of a machine, though it may be closed and opened anew when its disk
 * has failed: another `PartitionLog` then.
 *
 * A machine stays with the log that it was loaded from: what it replayed is that
 * one's content, and nobody knows what the next one has of it. Once that is
 * offline every call is refused, so the machine drops its state and loads again;
 * a load begins by asking for the log's bounds, and that is when this goes over
 * to the log that is open.
 */
import type { MachineLog } from "../machine/machine-log.ts";
import type { DataDirectory } from "../storage/data-directory.ts";
import type { TopicPartition } from "../storage/layout.ts";
import type { PartitionLog } from "../storage/partition-log.ts";

export function createMachineLog(
  directory: Pick<DataDirectory, "log">,
  at: TopicPartition,
  opened: PartitionLog,
): MachineLog {
  let log = opened;
  const newest = (): PartitionLog => {
    log = directory.log(at) ?? log;
    return log;
  };
  return {
    get startOffset() {
      return newest().startOffset;
    },
    get endOffset() {
      return newest().endOffset;
    },
    append: (batch) => log.append(batch),
    read: (request) => log.read(request),
    sync: () => log.sync(),
  };
}
