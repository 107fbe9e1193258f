// `npm test`: style, types and every test file; `npm test -- FILE…` runs only those files.
import { existsSync, readdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { at, root } from "../setup/paths.mjs";
import { runInTerminal } from "../setup/processes.mjs";

/** @param {string[]} files */
export async function main(files) {
	const missing = files.find((file) => !existsSync(resolve(root, file)));
	if (missing) throw new Error(`${missing}: there is no such test file`);
	const checks = [
		[at("node_modules", "@biomejs", "biome", "bin", "biome"), "check", "--error-on-warnings"],
		[at("node_modules", "typescript", "bin", "tsc")],
		...[at("src", "display", "page"), at("src", "web", "page"), at("tools", "report", "interactive")].map((project) => [
			at("node_modules", "typescript", "bin", "tsc"),
			...["--project", project],
		]),
	];
	const tests = files.length > 0 ? files : testFiles();
	const steps = [
		...(files.length > 0 ? [] : checks),
		["--require", at("src", "support", "tsx.cjs"), at("tools", "run", "test-files.mjs"), ...tests],
	];
	// On a GPU, so that results agree with the recorded ones to their last digits: float32 in full, and no races.
	const env = { ...process.env, NVIDIA_TF32_OVERRIDE: "0", TF_DETERMINISTIC_OPS: "1" };
	for (const step of steps) {
		process.exitCode = await runInTerminal("node", step, { env });
		if (process.exitCode !== 0) return;
	}
}

/** All test files below `test/`; those that run notebooks first, since the longest must not be the last to start. */
export const testFiles = () =>
	readdirSync(at("test"), { encoding: "utf8", recursive: true })
		.filter((name) => name.endsWith(".test.ts"))
		.sort()
		.sort((a, b) => Number(runsNotebooks(b)) - Number(runsNotebooks(a)))
		.map((name) => at("test", name));

/** @param {string} name */
const runsNotebooks = (name) => dirname(name) === "notebooks";
