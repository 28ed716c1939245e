/** What all parts of a verification share: where it looks, and whom it tells. */
import type { Disk, DiskFile } from "../platform/disk.ts";
import { DiskError } from "../platform/disk.ts";
import { joinPath } from "../storage/layout.ts";
import {
  type Finding,
  findingKinds,
  type FindingKind,
  type Fix,
  type Severity,
} from "./finding.ts";

export interface VerifyOptions {
  /** Looks at the records in each batch too. */
  readonly records: boolean;
}

/** Called one at a time, in the order of the files; what it answers is waited for. */
export type FindingVisitor = (finding: Finding) => Promise<void> | void;

export interface FoundPlace {
  readonly position?: number;
  readonly sizeBytes?: number;
  /** Where it is not what the kind says. */
  readonly severity?: Severity;
  readonly fix?: Fix | null;
}

export class VerifyContext {
  readonly disk: Disk;
  readonly directory: string;
  readonly options: VerifyOptions;
  readonly #visit: FindingVisitor;
  readonly #progress: (sizeBytes: number) => void;

  constructor(
    disk: Disk,
    directory: string,
    options: VerifyOptions,
    told: {
      readonly finding: FindingVisitor;
      /** So many more bytes of logs have been read. */
      readonly progress: (sizeBytes: number) => void;
    },
  ) {
    this.disk = disk;
    this.directory = directory;
    this.options = options;
    this.#visit = told.finding;
    this.#progress = told.progress;
  }

  /** Tells a finding; `path` is seen from the data directory. */
  async find(
    kind: FindingKind,
    path: string,
    detail: string,
    place: FoundPlace = {},
  ): Promise<void> {
    await this.#visit({
      kind,
      severity: place.severity ?? findingKinds[kind].severity,
      path,
      position: place.position ?? null,
      sizeBytes: place.sizeBytes ?? null,
      detail,
      fix: place.fix ?? null,
    });
  }

  /** For where something else must be finished before anything is repaired. */
  withoutFixes(): VerifyContext {
    return new VerifyContext(this.disk, this.directory, this.options, {
      finding: (found) => this.#visit({ ...found, fix: null }),
      progress: this.#progress,
    });
  }

  progress(sizeBytes: number): void {
    this.#progress(sizeBytes);
  }

  pathOf(path: string): string {
    return joinPath(this.directory, path);
  }

  /** The file open for reading while `work` runs; null where there is none. Throws `DiskError`. */
  async withFile<Result>(
    path: string,
    work: (file: DiskFile) => Promise<Result>,
  ): Promise<Result | null> {
    let file: DiskFile;
    try {
      file = await this.disk.open(this.pathOf(path), "read");
    } catch (error) {
      if (error instanceof DiskError && error.code === "ENOENT") return null;
      throw error;
    }
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  }
}
