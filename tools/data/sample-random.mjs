// Random numbers for the sample data set, the same on every machine.
import { createHash } from "node:crypto";

/** @typedef {ReturnType<typeof randomFrom>} Random */

/**
 * Random numbers (the sfc32 generator) that depend on `key` only, so that images can be drawn in any order.
 *
 * @param {string} key
 */
export function randomFrom(key) {
	const hash = createHash("sha256").update(key).digest();
	let [a, b, c, counter] = [0, 4, 8, 12].map((offset) => hash.readInt32LE(offset));
	const next = () => {
		const result = (a + b + counter++) | 0;
		a = b ^ (b >>> 9);
		b = (c + (c << 3)) | 0;
		c = (((c << 21) | (c >>> 11)) + result) | 0;
		return (result >>> 0) / 2 ** 32;
	};
	/** @type {(low: number, high: number) => number} */
	const between = (low, high) => low + (high - low) * next();
	return {
		next,
		between,
		/** @type {(low: number, high: number) => number} */
		integer: (low, high) => Math.floor(between(low, high + 1)),
		/** @type {(probability: number) => boolean} */
		chance: (probability) => next() < probability,
		/** @type {<Item>(list: Item[]) => Item} */
		pick: (list) => list[Math.floor(next() * list.length)],
		sign: () => (next() < 0.5 ? -1 : 1),
		/** Bell-shaped, standard deviation 1, never beyond 3: cheap, and without the outliers of a true normal. */
		bell: () => 2 * (next() + next() + next()) - 3,
	};
}
