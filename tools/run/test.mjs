// `npm test`: style, types and every test file; `npm test -- FILE…` runs only those files.
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { at } from "../setup/paths.mjs";
import { runInTerminal } from "../setup/processes.mjs";

// A file that hangs fails with its name, rather than holding up all others; the longest takes about ten minutes, on a busy
// machine three times that.
const FILE_LIMIT = "--test-timeout=1800000";

// Node leaves one core free, but most tests wait for the processes that they start, which wait for files and browsers.
const CONCURRENCY = `--test-concurrency=${availableParallelism() + 1}`;

/** @param {string[]} files */
export async function main(files) {
	const checks = [
		[at("node_modules", "@biomejs", "biome", "bin", "biome"), "check", "--error-on-warnings"],
		[at("node_modules", "typescript", "bin", "tsc")],
		...[at("src", "display", "page"), at("src", "web", "page"), at("tools", "report", "interactive")].map((project) => [
			at("node_modules", "typescript", "bin", "tsc"),
			...["--project", project],
		]),
	];
	const reporter = pathToFileURL(at("tools", "run", "reporter.mjs")).href;
	const options = [FILE_LIMIT, CONCURRENCY, `--test-reporter=${reporter}`, "--test-reporter-destination=stdout"];
	const steps = [
		...(files.length > 0 ? [] : checks),
		["--require", at("src", "support", "tsx.cjs"), "--test", ...options, ...(files.length > 0 ? files : testFiles())],
	];
	// On a GPU, so that results agree with the recorded ones to their last digits: float32 in full, and no races.
	const env = { ...process.env, NVIDIA_TF32_OVERRIDE: "0", TF_DETERMINISTIC_OPS: "1" };
	for (const step of steps) {
		process.exitCode = await runInTerminal("node", step, { env });
		if (process.exitCode !== 0) return;
	}
}

/** All test files below `test/`. */
export const testFiles = () =>
	readdirSync(at("test"), { encoding: "utf8", recursive: true })
		.filter((name) => name.endsWith(".test.ts"))
		.sort()
		.map((name) => at("test", name));
