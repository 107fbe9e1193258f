// Copies of the notebooks without the solutions of their exercises, for students.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { counted } from "../../src/support/format";

/** Names of the notebooks that were written, and of those that were there before. */
export interface StudentCopies {
	written: string[];
	kept: string[];
}

/**
 * Copies notebooks without the cells tagged `solution`. A copy that exists stays as it is, since the student may have
 * changed it. Paths such as `../src` resolve in a folder beside that of the notebooks, and so do links between the copies.
 *
 * @param notebooks folder of the notebooks
 * @param target folder of the copies, created if it is missing
 */
export function copyForStudents(notebooks: string, target: string): StudentCopies {
	mkdirSync(target, { recursive: true });
	const copies: StudentCopies = { written: [], kept: [] };
	const names = readdirSync(notebooks).filter((name) => /^\d\d-.*\.ipynb$/.test(name));
	for (const name of names.sort()) {
		const notebook = JSON.parse(readFileSync(join(notebooks, name), "utf8"));
		notebook.cells = notebook.cells.filter((cell: Cell) => !cell.metadata.tags?.includes("solution"));
		const isNew = written(join(target, name), `${JSON.stringify(notebook, null, 1)}\n`);
		copies[isNew ? "written" : "kept"].push(name);
	}
	return copies;
}

interface Cell {
	metadata: { tags?: string[] };
}

/** Writes a file unless it exists; returns whether it did. */
function written(file: string, text: string): boolean {
	try {
		writeFileSync(file, text, { flag: "wx" });
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	}
}

/** Says what was written and what stayed, in one line. */
export function describeCopies({ written, kept }: StudentCopies, target: string): string {
	const count = (names: string[]) => counted(names.length, "notebook");
	return [
		...(written.length > 0 ? [`Copied ${count(written)} without solutions to ${target}.`] : []),
		...(kept.length > 0 ? [`Kept ${count(kept)} in ${target} as they are: move one away to copy it again.`] : []),
	].join(" ");
}
