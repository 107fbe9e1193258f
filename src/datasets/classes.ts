// Compares classes by name, never by position.
import { repeating } from "../support/errors";
import { printable } from "../support/text";

/** The classes of a data set or a model, in the order of their labels. */
export interface Classes {
	classNames: string[];
	/** What has them, for messages: a folder, or for example `"the model"`. */
	of: string;
}

/** Returns a class's name as it is compared: a folder's name can be written in several Unicode forms. */
export const toClassName = (name: string) => name.normalize("NFC");

/**
 * Checks that two data sets, or a data set and a model, have the same classes in the same order.
 *
 * @throws when one has a class that the other lacks, with its name; or when the order differs
 */
export function requireSameClasses(expected: Classes, found: Classes): void {
	const [a, b] = [expected, found].map(({ classNames }) => classNames.map(toClassName));
	const [onlyInA, onlyInB] = [a.filter((name) => !b.includes(name)), b.filter((name) => !a.includes(name))];
	if (onlyInA.length + onlyInB.length > 0) {
		const only = [describeOnly(onlyInA, expected.of), describeOnly(onlyInB, found.of)].filter(Boolean).join(", ");
		fail(`${expected.of} and ${found.of} have different classes: ${only}${hint(onlyInA, onlyInB)}`);
	}
	if (a.every((name, label) => name === b[label])) return;
	const [order, expectedOrder] = [b.join(", "), a.join(", ")];
	fail(
		`the classes of ${found.of} are in another order (${order}) than those of ${expected.of} (${expectedOrder}): ` +
			"pass the same classNames to both",
	);
}

function fail(message: string): never {
	throw repeating(new Error(printable(message)));
}

function describeOnly(names: string[], of: string): string {
	if (names.length === 0) return "";
	return `${names.join(", ")} ${names.length === 1 ? "is" : "are"} only in ${of}`;
}

function hint(a: string[], b: string[]): string {
	for (const name of a) {
		const other = b.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
		if (other) return `; ${name} and ${other} differ only in case: rename one of them`;
	}
	return "; both need the same";
}
