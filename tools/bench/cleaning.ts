// Cleaning, one step for each line on standard input; answers with milliseconds as JSON.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cleanTheData } from "../../src/cleaning";

const [folder] = process.argv.slice(2);
process.env.XDG_CACHE_HOME = mkdtempSync(join(tmpdir(), "bench-"));

/** Decodes in full, on all cores, whichever step of Pillow's it is compared with, unless the step says `container`. */
async function clean(step: string) {
	const { log } = console;
	console.log = () => {};
	const check = step === "container only, all cores" ? "container" : "full";
	await cleanTheData(folder, { dryRun: true, cache: step === "a second time", check, onProgress: null });
	console.log = log;
}

(async () => {
	for await (const line of createInterface({ input: process.stdin })) {
		const started = performance.now();
		if (line !== "memory") await clean(line);
		const megabytes = process.resourceUsage().maxRSS / 1024;
		console.log(JSON.stringify({ ms: performance.now() - started, megabytes }));
	}
})();
