// Every entry point imports this file first: on a Node that is too old it says
// so in one line instead of failing somewhere in the middle. Plain JavaScript
// that any Node with ES modules can parse.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  console.error(
    `millrace needs Node 22.22 or newer; this is Node ${process.versions.node}. Install Node 24 (LTS) and run it again.`,
  );
  process.exit(1);
}
