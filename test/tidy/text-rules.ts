/**
 * Rules about any text of the repository, code or not: no mark of unfinished
 * work, and nothing that only means something on one machine.
 */
import type { Finding } from "./source.ts";

// Written in pieces, so that this file does not find itself.
const unfinished = new RegExp(
  `\\b(?:${["FIX" + "ME", "TO" + "DO", "XX" + "X"].join("|")})\\b`,
);
const ownPaths = ["work", "root", "home", "Users"];
const machinePath = new RegExp(`(?<![\\w.~*}-])/(?:${ownPaths.join("|")})/`);
const registryHost = new RegExp(
  [
    String.raw`registry\.(?:npmjs|yarnpkg)`,
    String.raw`\brepo1?\.maven\b`,
    String.raw`\bdeb\.debian\b`,
    String.raw`\bpypi\.org\b`,
    String.raw`\bproxy\.golang\b`,
    String.raw`"resolved":`,
  ].join("|"),
);

const rules: readonly { readonly pattern: RegExp; readonly message: string }[] =
  [
    {
      pattern: unfinished,
      message: "finish it, or describe it where work is planned",
    },
    {
      pattern: machinePath,
      message: "a path of one machine: make it relative or a parameter",
    },
    {
      pattern: registryHost,
      message: "a registry's address: the package client knows which to ask",
    },
  ];

export function checkText(path: string, text: string): Finding[] {
  // The rules themselves and what feeds them must be able to name what they refuse.
  if (path.startsWith("test/tidy/text-rules")) return [];
  const findings: Finding[] = [];
  for (const { pattern, message } of rules) {
    if (!pattern.test(text)) continue;
    for (const [index, line] of text.split("\n").entries())
      if (pattern.test(line)) findings.push({ path, line: index + 1, message });
  }
  return findings;
}
