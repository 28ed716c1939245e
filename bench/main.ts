/**
 * `npm run bench`: what Millrace costs, beside what others need.
 *
 *   npm run bench                    all
 *   npm run bench -- produce fetch   some: produce, fetch, zero-copy, process, start,
 *                                    open, compaction, load, micro
 *   npm run bench -- --quick         small parameters, to see that it runs
 */
import "../check-node.js";
import { anchors, type Anchor } from "./anchors.ts";
import { benchCompaction } from "./compaction.ts";
import { benchFetch } from "./fetch.ts";
import { machineInWords, median, table } from "./harness.ts";
import { benchInProcess } from "./in-process.ts";
import { loadTable } from "./load/table.ts";
import { benchCodec } from "./micro/codec.ts";
import { crc32cBench } from "./micro/crc32c.ts";
import { benchOpen, benchOpenCommits } from "./open.ts";
import { benchProduce } from "./produce.ts";
import { benchEmbeddedStart, benchServeStart, startedCode } from "./start.ts";
import { benchSendFile, sendFileTable } from "./zero-copy/send-file.ts";

const isQuick = process.argv.includes("--quick");
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const scale = isQuick ? 0.01 : 1;

function beside({ kafka, kfake, floor, goal }: Anchor): string[] {
  return [kafka, kfake, floor, goal];
}

function millions(perSecond: number): string {
  return `${(perSecond / 1e6).toFixed(2)} M`;
}

async function produce(): Promise<string> {
  const rows: string[][] = [];
  const sizes = [
    [10, 6_000_000, anchors.produce10],
    [100, 2_000_000, anchors.produce100],
    [1_000, 500_000, anchors.produce1000],
  ] as const;
  for (const [recordSizeBytes, count, anchor] of sizes) {
    for (const [name, acks, acksAll] of [
      ["acks 1", 1, "disk"],
      ["acks -1, page cache", -1, "page-cache"],
      ["acks -1, disk", -1, "disk"],
    ] as const) {
      const figures = await benchProduce({
        recordSizeBytes,
        acks,
        acksAll,
        recordsCount: count * scale,
        inFlightMax: 16,
      });
      rows.push([
        `${recordSizeBytes} B, ${name}`,
        millions(figures.recordsPerSecond),
        figures.cpuSecondsPerMillion.toFixed(2),
        ...beside(anchor),
        `${Math.round(figures.rssBytes / 1e6)} MB`,
      ]);
    }
  }
  return table(
    [
      "Produce, 16 KB batches",
      "records/s",
      "CPU s/M",
      "Kafka",
      "kfake",
      "floor",
      "goal",
      "RSS",
    ],
    rows,
  );
}

async function fetch(): Promise<string> {
  const figures = await benchFetch({
    recordSizeBytes: 1_000,
    totalSizeBytes: 500_000_000 * scale,
    transfers: ["mapped", "stream", "plain"],
    rounds: 6,
  });
  return table(
    ["Fetch, 1,000 B", "GB/s", "CPU s/GB", "Kafka", "kfake", "floor", "goal"],
    figures.map(({ transfer, gbPerSecond, cpuSecondsPerGb }) => [
      transfer,
      gbPerSecond.toFixed(2),
      cpuSecondsPerGb.toFixed(2),
      ...beside(anchors.fetch),
    ]),
  );
}

async function inProcess(): Promise<string> {
  const rows: string[][] = [];
  for (const recordSizeBytes of [100, 1_000]) {
    const figures = await benchInProcess({
      recordSizeBytes,
      recordsCount: 100_000 * scale,
    });
    const { kafka, kfake } =
      recordSizeBytes === 100 ? anchors.records100 : anchors.records1000;
    rows.push([
      `${recordSizeBytes} B`,
      millions(figures.sentPerSecond),
      millions(figures.readPerSecond),
      kafka,
      kfake,
    ]);
  }
  return table(
    [
      "In process, through the client",
      "sent/s",
      "read/s",
      "Kafka (Java, TCP): sent, read",
      "kfake (Java, TCP): sent, read",
    ],
    rows,
  );
}

async function start(): Promise<string> {
  const rounds = isQuick ? 1 : 7;
  const embedded = await benchEmbeddedStart(rounds);
  const serve = await benchServeStart(rounds);
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  return table(
    [`Start (${startedCode})`, "", "Kafka", "kfake", "floor", "goal"],
    [
      [
        "openBroker() to the first acknowledged record",
        ms(embedded.firstAckMs),
        ...beside(anchors.embeddedFirstAckMs),
      ],
      [
        "- with the loading of its modules",
        ms(embedded.withImportMs),
        ...beside(anchors.none),
      ],
      [
        "serve: process start to listening",
        ms(serve.listeningMs),
        ...beside(anchors.none),
      ],
      [
        "serve: process start to the first acknowledged record",
        ms(serve.firstAckMs),
        ...beside(anchors.firstAckMs),
      ],
      [
        "idle memory of serve",
        mb(serve.idleRssBytes),
        ...beside(anchors.idleMb),
      ],
      [
        "idle memory, broker and client in one process",
        mb(embedded.idleRssBytes),
        ...beside(anchors.none),
      ],
    ],
  );
}

async function open(): Promise<string> {
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  const rows: string[][] = [];
  for (const [name, totalSizeBytes, isKilled] of [
    ["1 GB, clean stop", 1e9, false],
    ["20 GB, clean stop", 20e9, false],
    ["2 GB, kill -9", 2e9, true],
  ] as const) {
    const size = { totalSizeBytes: totalSizeBytes * scale, isKilled };
    const { openMs, firstFetchMs } = await benchOpen(size);
    rows.push([name, ms(openMs), ms(firstFetchMs)]);
  }
  for (const commitCount of [1_000, 1_000_000]) {
    const { openMs, firstOffsetsMs } = await benchOpenCommits(
      Math.ceil(commitCount * scale),
    );
    const name = `${commitCount.toLocaleString("en")} commits, clean stop`;
    rows.push([name, ms(openMs), ms(firstOffsetsMs)]);
  }
  return table(
    ["Open", "openBroker()", "to the newest record, or offsets"],
    rows,
  );
}

async function zeroCopy(): Promise<string> {
  const fileSizeBytes = (isQuick ? 8 : 256) * 1024 ** 2;
  return sendFileTable(
    await benchSendFile({ fileSizeBytes, times: isQuick ? 1 : 8 }),
  );
}

async function compaction(): Promise<string> {
  const rows: string[][] = [];
  for (const acks of [1, -1] as const) {
    const { idle, compacting, sizes } = await benchCompaction({
      acks,
      batchesPerSecond: 500,
      tableSizeBytes: 40e6,
      keyCount: 100_000 * scale,
      segmentSizeBytes: 16 * 1024 ** 2,
      roundCount: isQuick ? 1 : 5,
    });
    const of = (turns: typeof idle, key: "p50Ms" | "p99Ms"): number =>
      median(turns.map((turn) => turn[key]));
    const seconds = median(compacting.map((turn) => turn.seconds));
    const before = median(sizes.map((size) => size.before));
    const p99s = [of(idle, "p99Ms"), of(compacting, "p99Ms")] as const;
    const ratios = idle.map(
      (turn, round) => (compacting[round]?.p99Ms ?? NaN) / turn.p99Ms,
    );
    rows.push([
      `acks ${acks}`,
      `${of(idle, "p50Ms").toFixed(2)} / ${p99s[0].toFixed(2)} ms`,
      `${of(compacting, "p50Ms").toFixed(2)} / ${p99s[1].toFixed(2)} ms`,
      (p99s[1] / p99s[0]).toFixed(2),
      `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
      `${(before / 1e6 / seconds).toFixed(0)} MB/s`,
    ]);
  }
  return table(
    [
      "Produce beside compaction, p50 / p99",
      "without",
      "with",
      "p99 ratio",
      "of single rounds",
      "compacted",
    ],
    rows,
  );
}

async function micro(): Promise<string> {
  const rows = [100, 1_000, 16_384].map((sizeBytes) => {
    const { nanosecondsPerCall } = crc32cBench({
      sizeBytes,
      rounds: Math.ceil(20_000 * scale),
    });
    const { javascript, native } = nanosecondsPerCall;
    return [
      `CRC-32C of ${sizeBytes} B`,
      `${Math.round(javascript)} ns`,
      native === null ? "not installed" : `${Math.round(native)} ns`,
    ];
  });
  const codec = benchCodec({
    topicCount: 20,
    partitionCount: 20,
    callsPerRound: Math.ceil(500 * scale),
    roundCount: 9,
  });
  const codecRows = [
    ["encode", `${codec.encodeUs.toFixed(1)} us`],
    ["decode", `${codec.decodeUs.toFixed(1)} us`],
    ["encode, by hand", `${codec.handWrittenEncodeUs.toFixed(1)} us`],
  ];
  const answerKb = Math.round(codec.answerSizeBytes / 1_000);
  return [
    table(["Micro", "JavaScript", "native"], rows),
    "",
    table([`Metadata answer of ${answerKb} kB`, ""], codecRows),
  ].join("\n");
}

const benches = {
  produce,
  fetch,
  "zero-copy": zeroCopy,
  process: inProcess,
  start,
  open,
  compaction,
  load: () => loadTable(scale),
  micro,
};

async function main(): Promise<void> {
  console.log(`Millrace on ${machineInWords()}\n`);
  for (const [name, run] of Object.entries(benches)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(`${await run()}\n`);
  }
}

void main();
