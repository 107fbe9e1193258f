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
 * The message of whatever was thrown.
 *
 * @param {unknown} error
 */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
