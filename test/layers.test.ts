// The order of imports in `src/`, from the real import graph; see "The rooms" in CONTRIBUTING.md.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import ts from "typescript";
import { root } from "./helpers";

/** The rooms from the lowest to the highest; those of one row do not import one another. */
const LEVELS = [
	["support"],
	["tensorflow", "metrics"],
	["images"],
	["datasets"],
	["cleaning", "augmentation", "cnn"],
	["training"],
	["evaluation"],
	["pipeline"],
	["export"],
	["web"],
	["sweep"],
	["review"],
	["display"],
];
const levels = new Map(LEVELS.flatMap((rooms, level) => rooms.map((room) => [room, level])));
const doors = [...levels.keys()].filter((room) => !["support", "tensorflow", "images", "web"].includes(room));

/** Files that tools may import past a door, which would load TensorFlow or Redis for nothing or does not exist. */
const PAST_DOORS = [
	/^src\/(support|images)\//,
	/^src\/datasets\/(classes|directory|fingerprint|journal|labels|sampling)$/,
	/^src\/display\/(claims|figures|plotly|svg|table|thinned)$/,
	/^src\/evaluation\/(chance|predictions-csv|rows|slices)$/,
	/^src\/export\/formats$/,
	/^src\/pipeline\/(decoded-predictions|parameters|predictions|records)$/,
	/^src\/sweep\/(attempt|redis-connection|worker)$/,
	/^src\/tensorflow\/(graph|layers-model|steps)$/,
	/^src\/training\/diagnose$/,
];

const filesIn = (folder: string, extension: string) =>
	readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
		// JupyterLab leaves its checkpoints in hidden folders.
		.filter((name) => name.endsWith(extension) && !name.startsWith("."))
		.map((name) => join(folder, name));

/** The relative imports of a source, static, dynamic and of types, as paths from the root without extension. */
function importsOf(file: string, source = readFileSync(join(root, file), "utf8")): string[] {
	const { importedFiles } = ts.preProcessFile(source, true, true);
	const local = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith("."));
	return local.map((name) => join(dirname(file), name));
}

const sources = filesIn("src", ".ts");
const graph = new Map(sources.map((file) => [file.replace(/\.ts$/, ""), importsOf(file)]));
const roomOf = (file: string) => file.split("/")[1];
const isDoor = (file: string) => file.split("/").length === 2;

describe("src/", () => {
	test("imports go down: to a file's own room or a lower one, and never to a door", () => {
		const offences = [...graph].flatMap(([file, imports]) =>
			imports
				.filter((target) => {
					if (isDoor(target)) return true;
					if (isDoor(file) || roomOf(file) === roomOf(target)) return false;
					return !((levels.get(roomOf(target)) ?? Number.NaN) < (levels.get(roomOf(file)) ?? Number.NaN));
				})
				.map((target) => `${file} imports ${target}`),
		);
		assert.deepEqual(offences, []);
	});

	test("has no circles", () => {
		const done = new Set<string>();
		const visit = (file: string, path: string[]): void => {
			assert.ok(!path.includes(file), `${[...path, file].join(" > ")} is a circle`);
			if (done.has(file)) return;
			for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
			done.add(file);
		};
		for (const file of graph.keys()) visit(file, []);
	});

	test("doors only re-export, by name", () => {
		assert.deepEqual(sources.filter(isDoor).sort(), doors.map((door) => `src/${door}.ts`).sort());
		for (const file of sources.filter(isDoor)) {
			const { statements } = ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest);
			const named = statements.filter((statement) => ts.isExportDeclaration(statement) && statement.exportClause);
			assert.equal(named.length, statements.length, `${file} has something else than \`export { … } from\``);
		}
	});

	test("only tensorflow/ knows what TensorFlow.js keeps to itself", () => {
		const insides = new RegExp(
			[
				/tf\.(backend|engine|(un)?register(Gradient|Kernel)|getGradient)\(/,
				/\b(optimizer_|isOptimizerOwned|lossFunctions|testFunction|makeT(rain|est)Function|accBeta[12])\b/,
				/\b(in|out)boundNodes\b|\baccumulat(ions|ed(First|Second)Moment)\b|\bregisteredVariables\b/,
				/\bexecuteSingleOutput\b|\bgetInputTensorIds\b|\bcreateOutputTensor\b|\.binding\b/,
				/tf\.\w+\.prototype/,
			]
				.map(({ source }) => source)
				.join("|"),
		);
		const offences = sources
			.filter((file) => roomOf(file) !== "tensorflow")
			.flatMap((file) => {
				const found = insides.exec(readFileSync(join(root, file), "utf8"));
				return found ? [`${file} uses ${found[0]}`] : [];
			});
		assert.deepEqual(offences, []);
	});
});

test("notebooks import doors only", () => {
	const offences = filesIn("notebooks", ".ipynb").flatMap((file) => {
		const { cells } = JSON.parse(readFileSync(join(root, file), "utf8"));
		const code = cells.filter((cell: { cell_type: string }) => cell.cell_type === "code");
		return code
			.flatMap(({ source }: { source: string | string[] }) => importsOf(file, [source].flat().join("")))
			.filter((target: string) => !doors.some((door) => target === `src/${door}`))
			.map((target: string) => `${file} imports ${target}`);
	});
	assert.deepEqual(offences, []);
});

test("tools import doors, or what a door would load too much for", () => {
	const offences = [...filesIn("tools", ".ts"), ...filesIn("tools", ".mjs")].flatMap((file) =>
		importsOf(file)
			.filter((target) => target.startsWith("src/") && !isDoor(target))
			.filter((target) => !PAST_DOORS.some((allowed) => allowed.test(target)))
			.map((target) => `${file} imports ${target}`),
	);
	assert.deepEqual(offences, []);
});
