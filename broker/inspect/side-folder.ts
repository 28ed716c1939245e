/**
 * Where a repair keeps what it takes away, inside the data directory:
 *
 *   repair-2026-11-27T14-25-00Z/
 *     repair.jsonl                              what was planned, what was done, where it lies
 *     orders-3/00000000000000120000.log.removed what was cut out of that log, one piece behind the other
 *     orders-3/00000000000000120000.index       a whole file as it was
 *
 * A broker takes no notice of it. A Kafka refuses directories whose names are
 * no partition's: it has to be moved away before one is started there.
 *
 * Everything kept is durable before the original is touched.
 */
import type { Disk, DiskFile } from "../platform/disk.ts";
import { joinPath } from "../storage/layout.ts";
import { FileWindow } from "../storage/file-window.ts";

const MANIFEST = "repair.jsonl";
const REMOVED_SUFFIX = ".removed";
const SCRATCH = "scratch";

export class SideFolder {
  readonly name: string;
  readonly path: string;
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #manifest: DiskFile;
  readonly #folders = new Set<string>();

  constructor(disk: Disk, directory: string, name: string, manifest: DiskFile) {
    this.#disk = disk;
    this.#directory = directory;
    this.name = name;
    this.path = joinPath(directory, name);
    this.#manifest = manifest;
  }

  /** For files that are made beside their place and moved there. */
  get scratchPath(): string {
    return joinPath(this.path, SCRATCH);
  }

  /** A line of the manifest; durable with the next `sync`. */
  async note(line: object): Promise<void> {
    const text = `${JSON.stringify(line)}\n`;
    await this.#manifest.append([new TextEncoder().encode(text)]);
  }

  /** What was noted and kept so far is durable after this. */
  async sync(): Promise<void> {
    await this.#manifest.sync();
    for (const folder of this.#folders) await this.#disk.syncDirectory(folder);
    await this.#disk.syncDirectory(this.path);
    await this.#disk.syncDirectory(this.#directory);
  }

  /** For pieces of a log: they go one behind the other into a file of its name. */
  async openRemoved(path: string): Promise<RemovedPieces> {
    const keptIn = await this.#placeFor(path + REMOVED_SUFFIX);
    const file = await this.#disk.open(keptIn.path, "append");
    return new RemovedPieces(file, keptIn.name, path, (line) =>
      this.note(line),
    );
  }

  /** A copy of the file as it is; nothing where there is none. */
  async keepCopy(path: string): Promise<void> {
    const from = joinPath(this.#directory, path);
    if ((await this.#disk.sizeOf(from)) === null) return;
    const keptIn = await this.#placeFor(path);
    const source = await this.#disk.open(from, "read");
    try {
      const copy = await this.#disk.open(keptIn.path, "create");
      try {
        const window = new FileWindow(source);
        for await (const piece of window.pieces(0, source.sizeBytes)) {
          await copy.append([piece]);
        }
        await copy.sync();
      } finally {
        await copy.close();
      }
    } finally {
      await source.close();
    }
    await this.note({ action: "copied", path, keptIn: keptIn.name });
    await this.sync();
  }

  /** The file, or the directory with all that is in it, goes from its place. */
  async moveHere(path: string, directory: string): Promise<void> {
    const keptIn = await this.#placeFor(path);
    await this.note({ action: "moved", path, keptIn: keptIn.name });
    await this.sync();
    await this.#disk.rename(joinPath(this.#directory, path), keptIn.path);
    await this.sync();
    await this.#disk.syncDirectory(directory);
  }

  async close(): Promise<void> {
    await this.#disk.removeDirectory(this.scratchPath);
    await this.#manifest.close();
  }

  async #placeFor(path: string) {
    const name = joinPath(this.name, path);
    const folder = path.includes("/") ? path.slice(0, path.indexOf("/")) : null;
    if (folder !== null) {
      const folderPath = joinPath(this.path, folder);
      await this.#disk.createDirectory(folderPath);
      this.#folders.add(folderPath);
    }
    return { name, path: joinPath(this.path, path) };
  }
}

export class RemovedPieces {
  readonly #file: DiskFile;
  readonly #keptIn: string;
  readonly #path: string;
  readonly #note: (line: object) => Promise<void>;

  constructor(
    file: DiskFile,
    keptIn: string,
    path: string,
    note: (line: object) => Promise<void>,
  ) {
    this.#file = file;
    this.#keptIn = keptIn;
    this.#path = path;
    this.#note = note;
  }

  async keep(
    from: FileWindow,
    piece: {
      readonly position: number;
      readonly sizeBytes: number;
      readonly detail: string;
    },
  ): Promise<void> {
    const { position, sizeBytes, detail } = piece;
    await this.#note({
      action: "removed",
      ...{ path: this.#path, position, sizeBytes, detail },
      ...{ keptIn: this.#keptIn, keptAt: this.#file.sizeBytes },
    });
    for await (const bytes of from.pieces(position, sizeBytes)) {
      await this.#file.append([bytes]);
    }
  }

  async close(): Promise<void> {
    try {
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
  }
}

/** A new one, named after the time; what it is for is in its manifest before anything is done. */
export async function createSideFolder(
  disk: Disk,
  directory: string,
  nowMs: number,
): Promise<SideFolder> {
  const entries = await disk.list(directory);
  const names = new Set(entries.map((entry) => entry.name));
  const time = new Date(nowMs).toISOString().slice(0, 19).replaceAll(":", "-");
  let name = `repair-${time}Z`;
  // Z last: digits behind a dash would make it a partition's directory.
  for (let again = 2; names.has(name); again++)
    name = `repair-${time}.${again}Z`;
  const path = joinPath(directory, name);
  await disk.createDirectory(path);
  const manifest = await disk.open(joinPath(path, MANIFEST), "append");
  return new SideFolder(disk, directory, name, manifest);
}
