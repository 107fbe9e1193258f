// Validation of numeric options.

/**
 * Checks that options are integers above 0.
 *
 * @param values the options, by name
 * @throws when one is not, with its name and value
 */
export function requirePositiveIntegers(values: Record<string, number>): void {
	for (const [name, value] of Object.entries(values)) {
		if (!Number.isInteger(value) || value < 1) throw new Error(`${name} is ${value}: expected a whole number above 0`);
	}
}
