// Text that the command line and the command table both need: near misses, flags, the message of an error.

/**
 * Whether adding, dropping or changing at most `edits` letters turns `a` into `b`.
 *
 * @param {string} a
 * @param {string} b
 * @param {number} edits
 * @returns {boolean}
 */
export function isNear(a, b, edits) {
	if (edits < 0) return false;
	if (a === "" || b === "") return a.length + b.length <= edits;
	const [restA, restB] = [a.slice(1), b.slice(1)];
	if (a[0] === b[0]) return isNear(restA, restB, edits);
	return isNear(restA, restB, edits - 1) || isNear(restA, b, edits - 1) || isNear(a, restB, edits - 1);
}

/**
 * The candidate that `typed` most likely stands for: at most two edits away, the nearest first.
 *
 * @param {string} typed
 * @param {string[]} candidates
 */
export const nearest = (typed, candidates) =>
	[1, 2].flatMap((edits) => candidates.filter((candidate) => isNear(typed, candidate, edits))).at(0);

/**
 * The flag of a parameter: `--batch-size` for `batchSize`.
 *
 * @param {string} name
 */
export const toFlag = (name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * Escapes what a terminal would obey in a path or a name, as `printable` in src/support/text.ts does; this one is needed
 * before anything is installed. Line breaks of messages stay.
 *
 * @param {string} text
 */
export const printableLines = (text) =>
	text.replace(/(?![\n\t])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, (character) => {
		const code = character.charCodeAt(0).toString(16);
		return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
	});

/**
 * The message of whatever was thrown.
 *
 * @param {unknown} error
 */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
