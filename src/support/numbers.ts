// Checks of numbers that a user passes.

/** @throws when one of the values is not a whole number above 0, naming it by its key */
export function requireWholeNumbers(values: Record<string, number>): void {
	for (const [name, value] of Object.entries(values)) {
		if (Number.isInteger(value) && value > 0) continue;
		throw new Error(`${name} is ${value}: expected a whole number above 0`);
	}
}
