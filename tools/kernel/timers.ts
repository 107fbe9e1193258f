// Timers for the converter, which can have one only.
import type ts from "typescript";

/**
 * Makes timers that end together, out of one of the converter's. It ends that one when it converts, and throws where two are
 * waiting: but the compiler has one for changed files, and another for files that are new or gone.
 */
export function timersOf(system: ts.System): Pick<ts.System, "setTimeout" | "clearTimeout"> {
	const waiting = new Map<object, () => void>();
	let isWaiting = false;
	const end = () => {
		for (const [id, callback] of waiting) {
			waiting.delete(id);
			callback();
		}
		isWaiting = false;
	};
	return {
		setTimeout(callback, milliseconds) {
			if (!isWaiting) system.setTimeout!(end, milliseconds);
			isWaiting = true;
			const id = {};
			waiting.set(id, callback);
			return id;
		},
		clearTimeout: (id) => void waiting.delete(id),
	};
}
