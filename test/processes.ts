// Helpers of tests that watch other processes.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";

export function isRunning(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
}

/** Asks again and again, until the answer is true. */
export async function until(what: string, asked: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
	for (const end = Date.now() + 1000 * seconds; Date.now() < end; await setTimeout(50)) {
		if (await asked()) return;
	}
	assert.fail(`after ${seconds} s, still not: ${what}`);
}
