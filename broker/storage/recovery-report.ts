/** What opening a partition found wrong, for the operator. */

/** A place in a file where opening found something wrong. */
export interface Finding {
  readonly path: string;
  readonly position: number;
  readonly sizeBytes: number;
  readonly detail: string;
}

export interface RecoveryReport {
  readonly directory: string;
  /** What was read of the .log files. */
  readonly scannedSizeBytes: number;
  readonly endOffset: number;
  /** Bytes that were cut off. */
  readonly cuts: readonly Finding[];
  /** Bytes that stay but are not what was written. */
  readonly damages: readonly Finding[];
}

/** One line for the operator, or null where there is nothing to say. */
export function describeRecovery(report: RecoveryReport): string | null {
  const describe = (verb: string, findings: readonly Finding[]) =>
    findings.map(
      ({ path, position, sizeBytes, detail }) =>
        `${verb} ${sizeBytes} bytes at ${path}:${position} (${detail})`,
    );
  const lines = [
    ...describe("cut", report.cuts),
    ...describe("left damaged", report.damages),
  ];
  if (lines.length === 0) return null;
  return `${report.directory} ends at offset ${report.endOffset}: ${lines.join(", ")}`;
}
