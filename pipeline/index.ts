/** The public face of `millrace/pipeline`. */
import "../check-node.js";

export { type Pipeline, pipeline, type Running } from "./pipeline.ts";
export type { Built, Ctx, Stage } from "./definition.ts";
export { PipelineError, type PipelineErrorCode } from "./errors.ts";
export type { DeadLetterOptions, PipelineOptions } from "./options.ts";
export type { BranchStats, RunStats } from "./stats.ts";
