// Where the time of our training step goes, by oneDNN's own log.
import { spawnSync } from "node:child_process";
import { root } from "../setup/paths.mjs";

/** Prints the kernels of an epoch in batches of 128 that take more than one percent of the time that oneDNN logs. */
export function printProfile(name: string, [command, ...args]: string[]): void {
	const env = { ...process.env, ONEDNN_VERBOSE: "1" };
	const { stdout } = spawnSync(command, [...args, "profile"], {
		cwd: root,
		env,
		encoding: "utf8",
		maxBuffer: 2 ** 28,
		stdio: ["ignore", "pipe", "ignore"],
	});
	const [, measured = ""] = stdout.split("measured\n");
	const times = kernelTimes(measured);
	const total = Object.values(times).reduce((sum, time) => sum + time, 0);
	const heading = `Kernels of a training step, ${name}, batch 128, share of oneDNN's time:`;
	console.log(`\n${total === 0 ? `No profile of ${name}: oneDNN logs nothing here.` : heading}`);
	for (const [kernel, time] of Object.entries(times).sort(([, a], [, b]) => b - a)) {
		const percent = (100 * time) / total;
		if (percent >= 1) console.log(`${kernel.padEnd(72)}${percent.toFixed(0).padStart(4)} %`);
	}
}

/**
 * Returns the milliseconds that the lines of oneDNN's log add up to, by primitive, direction and implementation. A line has
 * `onednn_verbose,v1,primitive,exec,<engine>,<primitive>,<implementation>,<direction>,…,<milliseconds>`.
 */
export function kernelTimes(log: string): Record<string, number> {
	const times: Record<string, number> = {};
	for (const line of log.split("\n")) {
		if (!line.startsWith("onednn_verbose,v1,primitive,exec,")) continue;
		const fields = line.split(",");
		const [primitive, implementation, direction] = fields.slice(5, 8);
		const kernel = `${primitive}${direction === "undef" ? "" : ` ${direction}`} (${implementation})`;
		times[kernel] = (times[kernel] ?? 0) + Number(fields.at(-1));
	}
	return times;
}
