/** What tests of pipelines share: text topics, and a run over the fake client. */
import { topic } from "../../client/index.ts";
import {
  type Built,
  type Pipeline,
  pipeline,
  type PipelineOptions,
  type Running,
  type Stage,
} from "../../pipeline/index.ts";
import { FakeBroker, FakeClient, type Hooks } from "./fake-client.ts";

export const source = topic("in", { format: "text" });
export const out = topic("out", { format: "text" });
export const other = topic("other", { format: "text" });
export const deadLetters = "in-dlt";

type Text = string | null;

export function textPipeline(
  build: (stage: Stage<Text, Text>) => Built,
  options: Partial<PipelineOptions> = {},
): Pipeline {
  return pipeline(
    "test",
    source,
    { group: "g", from: "earliest", ...options },
    build,
  );
}

export interface Started {
  readonly broker: FakeBroker;
  readonly client: FakeClient;
  readonly run: Running;
}

/** Runs it over a topic that holds `values`, all in partition 0, until nothing moves. */
export async function startOn(
  values: readonly Text[],
  build: (stage: Stage<Text, Text>) => Built,
  more: {
    readonly options?: Partial<PipelineOptions>;
    readonly hooks?: Hooks;
    readonly partitionCount?: number;
  } = {},
): Promise<Started> {
  const broker = new FakeBroker();
  broker.create("in", more.partitionCount ?? 1);
  for (const value of values) broker.put("in", value);
  const client = new FakeClient(broker, more.hooks);
  const run = await textPipeline(build, more.options).run(client);
  await broker.clock.settle();
  return { broker, client, run };
}

/** A promise that a test settles, and whether anybody waits for it is the test's affair. */
export function gate(): {
  readonly opened: Promise<void>;
  readonly open: () => void;
} {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
