/** All of the repository's code, parsed once for every rule. */
import { isCode, listFiles, readText, sourceOf } from "./source.ts";

export const files = listFiles();
export const sources = files
  .filter(isCode)
  .map((path) => sourceOf(path, readText(path)));
