// Numbers on the command line.

/** @typedef {{ integer?: boolean, above?: number }} Bounds whether it must be whole; a value that it must be above */

/**
 * Reads a number that was given with a flag.
 *
 * @param {string} flag
 * @param {string} text
 * @param {Bounds} bounds
 * @throws with the flag, the text and what was expected
 */
export function readNumber(flag, text, bounds) {
	const value = toNumber(text);
	const expected = expectedNumber(value, bounds);
	if (expected === null) return value;
	throw new Error(`${flag} ${text}: expected ${expected}`);
}

/**
 * Reads a whole number above 0 that was given with a flag.
 *
 * @param {string} flag
 * @param {string} text
 */
export const wholeNumber = (flag, text) => readNumber(flag, text, { integer: true, above: 0 });

/**
 * Reads a probability that was given with a flag.
 *
 * @param {string} flag
 * @param {string | undefined} text
 * @returns {number | null} null where none is given
 * @throws with the flag, the text and what was expected
 */
export function readProbability(flag, text) {
	if (text === undefined) return null;
	const value = toNumber(text);
	if (value >= 0 && value <= 1) return value;
	throw new Error(`${flag} ${text}: expected a probability, 0 to 1`);
}

/**
 * The number that a text stands for; NaN for an empty one, where `Number` gives 0.
 *
 * @param {string} text
 */
export const toNumber = (text) => (text.trim() === "" ? Number.NaN : Number(text));

/**
 * What was expected instead of a number; `null` when it is within the bounds.
 *
 * @param {number} value
 * @param {Bounds} bounds
 * @returns {string | null}
 */
export function expectedNumber(value, { integer = false, above }) {
	const isValid = integer ? Number.isSafeInteger(value) : Number.isFinite(value);
	if (isValid && value > (above ?? Number.NEGATIVE_INFINITY)) return null;
	return `a ${integer ? "whole " : ""}number${above === undefined ? "" : ` above ${above}`}`;
}
