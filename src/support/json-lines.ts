// Files of one JSON value a line, to which several processes append.
import { closeSync, fstatSync, openSync, readSync, writeFileSync } from "node:fs";

/** Returns values as JSON, each on a line. */
export const jsonLines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");

/**
 * Appends values to a file of JSON lines in one write, and waits until they are on the disk. They are on lines of their own
 * even where the last line was cut off, as on a full disk. A write of another process that has come halfway looks cut off
 * too: then an empty line follows it. So readers skip empty lines, and lines that are not whole.
 *
 * @throws when it cannot be written: what the file system threw
 */
export function appendJsonLines(file: string, values: readonly unknown[]): void {
	const open = openSync(file, "a+");
	try {
		const text = jsonLines(values);
		writeFileSync(open, isCutOff(open) ? `\n${text}` : text, { flush: true });
	} finally {
		closeSync(open);
	}
}

/** Returns whether the last line of an open file has no end. */
function isCutOff(open: number): boolean {
	const { size } = fstatSync(open);
	const last = Buffer.alloc(1);
	return size > 0 && readSync(open, last, 0, 1, size - 1) === 1 && last.toString() !== "\n";
}
