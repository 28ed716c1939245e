/**
 * What is published: `tsc` has written a file of JavaScript for each source to
 * build/; here they are put together to one for each entry point, with the parts
 * that several share and those that are loaded later in files of their own. Two
 * hundred modules take three times as long to load as ten.
 */
import { cp, readdir, rm } from "node:fs/promises";
import { defineConfig } from "rolldown";

const entryPoints = [
  "broker/index",
  "client/index",
  "pipeline/index",
  "cli/main",
];

/** Started by its path, as a thread. */
const thread = {
  "broker/frame-check": "build/broker/platform/node/frame-check.thread.js",
};

/** Stays a file of its own, and the first thing that every entry point imports. */
const CHECK_NODE = "check-node.js";

export default defineConfig({
  input: {
    ...Object.fromEntries(
      entryPoints.map((name) => [name, `build/${name}.js`]),
    ),
    ...thread,
  },
  platform: "node",
  external: (id) => id.endsWith(CHECK_NODE) || /^[^./]/.test(id),
  output: {
    dir: "dist",
    format: "esm",
    chunkFileNames: "shared/[name].js",
    cleanDir: true,
    // Before the shared files, which an old Node could not even link.
    banner: ({ isEntry }) => (isEntry ? `import "../${CHECK_NODE}";` : ""),
  },
  plugins: [
    {
      name: "declarations",
      async writeBundle() {
        await cp(`build/${CHECK_NODE}`, `dist/${CHECK_NODE}`);
        const names = await readdir("build", { recursive: true });
        for (const name of names.filter((one) => one.endsWith(".d.ts"))) {
          await cp(`build/${name}`, `dist/${name}`);
        }
        await rm("build", { recursive: true });
      },
    },
  ],
});
