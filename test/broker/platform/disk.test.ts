import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { loadLibc } from "../../../broker/platform/node/libc.ts";
import { createNodePlatform } from "../../../broker/platform/node/node-platform.ts";
import type { NodePlatformOptions } from "../../../broker/platform/node/node-platform.ts";
import { FailingDisk } from "../../support/failing-disk.ts";
import { createMmapIoStandIn } from "../../support/mmap-io-stand-in.ts";
import { createTemporaryDirectory } from "../../support/temporary-directory.ts";
import { diskContract } from "./disk-contract.ts";
import type { DiskUnderTest } from "./disk-contract.ts";

async function onFileSystem(
  options: NodePlatformOptions,
  hasMaps: boolean,
): Promise<DiskUnderTest> {
  const { path, remove } = await createTemporaryDirectory();
  const { disk } = createNodePlatform(options);
  return { disk, directory: path, hasMaps, remove };
}

async function inMemory(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await disk.createDirectory("data");
  return disk;
}

diskContract("memory", async () => ({
  disk: await inMemory(),
  directory: "data",
  hasMaps: true,
  remove: async () => {},
}));
diskContract(
  "memory, behind a rule that lets everything through",
  async () => ({
    disk: new FailingDisk(await inMemory()),
    directory: "data",
    hasMaps: true,
    remove: async () => {},
  }),
);
diskContract("file system, koffi", () =>
  onFileSystem({ mmap: "koffi" }, loadLibc().libc !== null),
);
diskContract("file system, plain reads", () =>
  onFileSystem({ mmap: "plain" }, false),
);
diskContract("file system, mmap-io", () =>
  onFileSystem({ mmap: createMmapIoStandIn() }, true),
);
