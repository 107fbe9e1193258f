// The exercises of each notebook: their form, and that each solution runs after the notebook's cells.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import seedrandom from "seedrandom";
import sharp from "sharp";
import { declaredBy, notebookNames } from "../../tools/jupyter/notebooks.mjs";
import { python, pythonEnvironment } from "../../tools/setup/paths.mjs";
import { root, runnerJob, temporaryFolder } from "../helpers";
import { type Cell, readNotebook, text } from "./cells";
import { claimsOf, unsupported } from "./claims";

/** Small enough for all notebooks in a minute; a notebook gets those that it declares. */
const SMALL = { imageSize: 48, batchSize: 16, epochs: 2, trials: 3, trialEpochs: 1, comparisonSteps: 20, seed: 7 };
const SOLUTION = /^<details><summary>Solution<\/summary>\n\n```ts\n([\s\S]+?)\n```\n\n([\s\S]+)\n\n<\/details>$/;

const names = notebookNames();
const hasTag = (cell: Cell | undefined, tag: string) => cell?.metadata.tags?.includes(tag) === true;
const exercisesOf = (cells: Cell[]) => cells.flatMap((cell, i) => (hasTag(cell, "exercise") ? [i] : []));

describe("exercises, as committed:", () => {
	for (const name of names) {
		test(`${name} has two or three after the takeaways, each with an empty cell and a folded solution`, () => {
			const { cells } = readNotebook(name);
			const headings = cells.map((cell) => (cell.cell_type === "markdown" ? text(cell).split("\n")[0] : ""));
			const start = headings.indexOf("## Exercises");
			assert.ok(start > headings.indexOf("## Takeaways"), "## Exercises follows ## Takeaways");
			const exercises = exercisesOf(cells);
			assert.ok([2, 3].includes(exercises.length), `${exercises.length} exercises`);
			for (const [number, i] of exercises.entries()) {
				assert.match(text(cells[i - 1]), new RegExp(`^(## Exercises\\n[\\s\\S]*)?\\*\\*${number + 1}\\.\\*\\* `));
				assert.deepEqual([cells[i].cell_type, text(cells[i])], ["code", ""]);
				assert.ok(hasTag(cells[i + 1], "solution") && cells[i + 1].cell_type === "markdown");
				assert.match(text(cells[i + 1]), SOLUTION);
			}
			assert.equal(cells.filter((cell) => hasTag(cell, "solution")).length, exercises.length);
			assert.equal(exercises.at(-1), cells.length - 3, "only the link follows");
		});
	}
});

/** Images per class, train, valid and test; the last class is very rare. */
const NOISE = { "béton & <b>": [30, 11, 11], glass: [28, 10, 10], rust: [3, 2, 2] };
/** Claims that a model has learned something, of which there is nothing in noise. */
const LEARNED = /better than always|better than chance|has learned something|network beats/;

/** Makes a data set of grey noise: three classes that nothing tells apart. */
async function makeNoise(dataset: string): Promise<void> {
	const random = seedrandom("noise");
	for (const [name, counts] of Object.entries(NOISE)) {
		for (const [i, split] of ["train", "valid", "test"].entries()) {
			const folder = join(dataset, split, name);
			mkdirSync(folder, { recursive: true });
			for (let k = 0; k < counts[i]; k++) {
				const pixels = Uint8Array.from({ length: 48 * 48 }, () => Math.floor(256 * random()));
				const image = sharp(pixels, { raw: { width: 48, height: 48, channels: 1 } });
				await image.png().toFile(join(folder, `${k}.png`));
			}
		}
	}
}

describe("on noise of three classes, each notebook ends, its claims hold water, and each solution runs after the notebook's cells and shows something:", () => {
	const work = temporaryFolder();
	const [dataset, artifacts, reports] = ["dataset", "artifacts", "reports"].map((name) => join(work, name));

	before(async () => {
		mkdirSync(join(work, "notebooks"));
		for (const name of ["src", "node_modules"]) symlinkSync(join(root, name), join(work, name));
		await makeNoise(dataset);
	});

	for (const name of names) {
		test(name, (t) => {
			const notebook = readNotebook(name);
			const exercises = exercisesOf(notebook.cells);
			for (const i of exercises) notebook.cells[i].source = SOLUTION.exec(text(notebook.cells[i + 1]))?.[1] ?? "";
			const source = join(work, "notebooks", `${name}.ipynb`);
			writeFileSync(source, JSON.stringify(notebook));
			const declared = Object.entries(SMALL).filter(([parameter]) => declaredBy(name).has(parameter));
			const parameters = { ...Object.fromEntries(declared), dataset, artifacts };
			const { status, stdout, stderr } = spawnSync(python, [join(root, "tools", "report", "run_notebooks.py")], {
				input: runnerJob(name, source, reports, parameters),
				encoding: "utf8",
				env: pythonEnvironment,
			});
			assert.equal(status, 0, stdout + stderr);
			const { cells } = JSON.parse(readFileSync(join(reports, `${name}.ipynb`), "utf8")) as { cells: Cell[] };
			for (const cell of cells.filter((cell) => hasTag(cell, "exercise"))) {
				assert.ok((cell.outputs ?? []).length > 0, `shows nothing: ${text(cell)}`);
				const seconds = cell.metadata.papermill?.duration ?? 0;
				t.diagnostic(`${seconds.toFixed(1)} s: ${text(cell).split("\n")[0]}`);
			}
			const shown = claimsOf(reports, name);
			assert.deepEqual(unsupported(shown), []);
			const learned = shown.claims.filter(({ claim, verdict }) => LEARNED.test(claim) && verdict === "held");
			assert.deepEqual(learned, [], "claims that something was learned from noise");
			const page = readFileSync(join(reports, `${name}.html`), "utf8");
			const folded = page.match(/<summary>Solution<\/summary>\s*<div class="highlight"/g) ?? [];
			assert.equal(folded.length, exercises.length, "the page folds each solution");
		});
	}
});
