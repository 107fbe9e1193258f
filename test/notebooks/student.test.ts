import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openedFolder } from "../../tools/jupyter/lab";
import { copyForStudents, describeCopies } from "../../tools/jupyter/student";
import { root, temporaryFolder } from "../helpers";

type Cell = { id: string; source: string[]; metadata: { tags?: string[] } };
const notebooks = join(root, "notebooks");
const names = readdirSync(notebooks)
	.filter((name) => name.endsWith(".ipynb"))
	.sort();
const cellsOf = (folder: string, name: string): Cell[] =>
	JSON.parse(readFileSync(join(folder, name), "utf8")).cells as Cell[];

test("copies for students have every cell but the solutions, and links between them lead to copies", () => {
	const target = join(temporaryFolder(), "student");
	const copies = copyForStudents(notebooks, target);
	assert.deepEqual(copies, { written: names, kept: [] });
	for (const name of names) {
		const solution = ({ metadata: { tags } }: Cell) => tags?.includes("solution");
		assert.deepEqual(
			cellsOf(target, name),
			cellsOf(notebooks, name).filter((cell) => !solution(cell)),
		);
		const text = cellsOf(target, name).flatMap(({ source }) => source);
		for (const [, link] of text.join("").matchAll(/\]\(([^():]+\.ipynb)\)/g)) assert.ok(existsSync(join(target, link)));
	}
	assert.equal(describeCopies(copies, "student"), `Copied ${names.length} notebooks without solutions to student.`);
});

test("a copy that exists stays as it is, and a line says so", () => {
	const target = join(temporaryFolder(), "student");
	copyForStudents(notebooks, target);
	const changed = join(target, names[0]);
	writeFileSync(changed, "changed by the student");
	const again = copyForStudents(notebooks, target);
	assert.deepEqual(again, { written: [], kept: names });
	assert.equal(readFileSync(changed, "utf8"), "changed by the student");
	const line = `Kept ${names.length} notebooks in student as they are: move one away to copy it again.`;
	assert.equal(describeCopies(again, "student"), line);
});

test("--student is not passed to JupyterLab", () => {
	assert.deepEqual(openedFolder(["--student", "--port", "8890"]), { folder: "student", rest: ["--port", "8890"] });
	assert.deepEqual(openedFolder(["--no-browser"]), { folder: "notebooks", rest: ["--no-browser"] });
});
