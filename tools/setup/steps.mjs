// Steps that are done once, and the lock that lets one command at a time do them.
//
// A step writes its stamp last and inside what it made, so an interrupted step is done again and a deleted
// folder takes its stamp along. A stamp holds a hash of everything the step depends on.
import { createHash } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { at } from "./paths.mjs";

/**
 * Does `work` unless the stamp shows that it was done with the same inputs.
 *
 * @param {string} name as it is reported
 * @param {string} stamp file of the hash
 * @param {unknown} inputs everything the step depends on, as JSON
 * @param {() => unknown} work
 */
export async function step(name, stamp, inputs, work) {
	const hash = createHash("sha256").update(JSON.stringify(inputs)).digest("hex");
	if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
	const started = Date.now();
	console.log(`setup: ${name} …`);
	rmSync(stamp, { force: true });
	await work();
	mkdirSync(dirname(stamp), { recursive: true });
	writeFileSync(stamp, hash);
	console.log(`setup: ${name} done in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** Milliseconds between two looks at the lock, and after which waiting is said: a set-up with nothing to do is over sooner. */
const [POLL, PATIENCE] = [200, 4000];

/**
 * Waits until no other command is setting up. A lock whose process has ended is ignored.
 *
 * @returns {Promise<() => void>} releases the lock, which the end of the process does too
 */
export async function lock(file = at(".setup.lock")) {
	const mine = `${file}.${process.pid}`;
	for (let waited = 0; ; waited += POLL) {
		writeFileSync(mine, String(process.pid));
		try {
			// A link appears with its content, where a file is empty for a moment.
			linkSync(mine, file);
			const unlock = () => {
				if (existsSync(file) && readFileSync(file, "utf8") === String(process.pid)) rmSync(file);
			};
			process.once("exit", unlock);
			return unlock;
		} catch (error) {
			if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
		} finally {
			rmSync(mine, { force: true });
		}
		const owner = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
		if (!isRunning(owner)) {
			rmSync(file, { force: true });
			continue;
		}
		if (waited === PATIENCE) console.log(`setup: waiting for another command (process ${owner}) that is setting up …`);
		await setTimeout(POLL);
	}
}

/** @param {number} pid */
export function isRunning(pid) {
	try {
		return pid > 0 && process.kill(pid, 0);
	} catch {
		return false;
	}
}

/**
 * The contents of files, as inputs of a step.
 *
 * @param {string[]} files
 */
export const contents = (...files) => files.map((file) => readFileSync(file, "utf8"));

/**
 * The paths in a folder, in the order of their names.
 *
 * @param {string} folder
 */
export const pathsIn = (folder) =>
	readdirSync(folder)
		.sort()
		.map((name) => join(folder, name));
