// Node's report of the tests, with the slowest of them before its closing lines.
import { Readable } from "node:stream";
import { spec, tap } from "node:test/reporters";

/** @typedef {import("node:test/reporters").TestEvent} TestEvent */

const SLOWEST = 10;

/**
 * A reporter for `--test-reporter`: as Node reports by itself, in a terminal `spec`, else `tap`.
 *
 * @param {AsyncIterable<TestEvent>} source
 */
export default async function* reporter(source) {
	const events = withSlowest(source);
	yield* process.stdout.isTTY ? Readable.from(events).pipe(new spec()) : tap(events);
}

/**
 * Adds lines on the slowest tests of the top level where the closing lines start.
 *
 * @param {AsyncIterable<TestEvent>} source
 * @returns {AsyncGenerator<TestEvent, void>}
 */
async function* withSlowest(source) {
	/** @type {{ name: string, seconds: number }[]} */
	const tests = [];
	let closes = false;
	for await (const event of source) {
		const { type, data } = event;
		if ((type === "test:pass" || type === "test:fail") && data.nesting === 0)
			tests.push({ name: data.name, seconds: data.details.duration_ms / 1000 });
		if (type === "test:diagnostic" && !closes && data.nesting === 0 && /^tests \d+$/.test(data.message)) {
			closes = true;
			const slowest = tests.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
			for (const { name, seconds } of slowest)
				yield { type, data: { ...data, message: `${seconds.toFixed(1)} s: ${name}` } };
		}
		yield event;
	}
}
