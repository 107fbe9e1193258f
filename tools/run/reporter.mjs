// Node's report of the tests, with the slowest and the failed ones before its closing lines.
import { relative } from "node:path";
import { Readable } from "node:stream";
import { spec, tap } from "node:test/reporters";
import { root } from "../setup/paths.mjs";

/** @typedef {import("node:test/reporters").TestEvent} TestEvent */

const SLOWEST = 10;
/** Characters of what was thrown. */
const LONGEST = 300;

/**
 * A reporter of tests: as Node reports by itself, in a terminal `spec`, else `tap`.
 *
 * @param {AsyncIterable<TestEvent>} source
 */
export default async function* reporter(source) {
	const events = withSummary(source);
	yield* process.stdout.isTTY ? Readable.from(events).pipe(new spec()) : tap(events);
}

/**
 * Adds lines where the closing lines start: on the slowest tests of the top level, and on each that failed.
 *
 * @param {AsyncIterable<TestEvent>} source
 * @returns {AsyncGenerator<TestEvent, void>}
 */
async function* withSummary(source) {
	/** @type {{ name: string, seconds: number }[]} */
	const tests = [];
	/** @type {string[]} */
	const failures = [];
	let closes = false;
	for await (const event of source) {
		const { type, data } = event;
		if ((type === "test:pass" || type === "test:fail") && data.nesting === 0)
			tests.push({ name: data.name, seconds: data.details.duration_ms / 1000 });
		if (type === "test:fail" && !data.todo && !failedBySubtests(data.details.error)) failures.push(failureOf(data));
		if (type === "test:diagnostic" && !closes && data.nesting === 0 && /^tests \d+$/.test(data.message)) {
			closes = true;
			const slowest = tests.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
			const lines = slowest.map(({ name, seconds }) => `${seconds.toFixed(1)} s: ${name}`);
			for (const message of [...lines, ...failures]) yield { type, data: { ...data, message } };
		}
		yield event;
	}
}

/** @param {Error & { failureType?: string }} error */
const failedBySubtests = ({ failureType }) => failureType === "subtestsFailed";

/**
 * @param {{ name: string, file?: string, details: { error: Error } }} failed
 * @returns {string} file, name and the beginning of what was thrown, in a line
 */
function failureOf({ name, file, details: { error } }) {
	const { message } = error.cause instanceof Error ? error.cause : error;
	const text = message.replace(/\s+/g, " ").slice(0, LONGEST).trimEnd();
	return `failed: ${file ? relative(root, file) : ""} ${name}: ${text}`;
}
