// Runs test files with Node's test runner, in the given order: `node --test FILE…` would sort them by name.
import { availableParallelism } from "node:os";
import { run } from "node:test";
import reporter from "./reporter.mjs";

// A file that hangs fails with its name, rather than holding up all others; the longest takes about ten minutes, on a busy
// machine three times that.
const timeout = 30 * 60_000;

// Node leaves one core free, but most tests wait for the processes that they start, which wait for files and browsers.
const concurrency = availableParallelism() + 1;

// Ends the files that are running, and starts no more.
const end = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => end.abort());

const tests = run({ files: process.argv.slice(2), concurrency, timeout, signal: end.signal });
tests.on("test:fail", ({ todo }) => {
	if (!todo) process.exitCode = 1;
});
tests.compose(reporter).pipe(process.stdout);
