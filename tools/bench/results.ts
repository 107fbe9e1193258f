// The results of a benchmark: medians and ratios as a table, and as a file in bench/.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { at, shown } from "../setup/paths.mjs";
import { versionsAndDevice } from "../setup/versions.mjs";
import type { Measurements } from "./sides";

/** Medians, their ratio, and the least and greatest ratio of a round. */
type Row = { step: string; ours: number; python: number; ratio: number; spread: [number, number] };
/** What was measured: the data set's folder and the number of rounds. */
export type Subject = { dataset: string; rounds: number };

/** Prints the measurements and writes them to `bench/<name>.json`. */
export function report(results: Measurements, subject: Subject, name: string): void {
	const table = Object.entries(results).map(([step, { ours, python }]) => summary(step, ours, python));
	print(table);
	save(table, subject, name);
}

export function median(values: number[]): number {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Compares the measurements of a step. */
export function summary(step: string, ours: number[], python: number[]): Row {
	const ratios = ours.map((value, i) => python[i] / value);
	const spread: Row["spread"] = [Math.min(...ratios), Math.max(...ratios)];
	return { step, ours: median(ours), python: median(python), ratio: median(python) / median(ours), spread };
}

function print(table: Row[]): void {
	console.log("\nMedians, in seconds unless said; a ratio above 1 means that ours is faster, or smaller.\n");
	const row = (...cells: string[]) =>
		console.log(cells.map((cell, i) => (i ? cell.padStart(9) : cell.padEnd(58))).join(""));
	row("", "ours", "Python", "ratio", "   of a round");
	for (const { step, ours, python, ratio, spread } of table) {
		const [unit, digits] = step.endsWith("MB") ? [1, 0] : step.endsWith("ms") ? [1, 1] : [1000, 2];
		const numbers = [ours / unit, python / unit].map((value) => value.toFixed(digits));
		row(step, ...numbers, ratio.toFixed(2), `   ${spread.map((value) => value.toFixed(2)).join("–")}`);
	}
}

/** Writes the table of what was measured to `bench/<name>.json`. */
export function save(table: object[], subject: object, name: string): void {
	const machine = {
		processor: cpus()[0].model,
		cores: availableParallelism(),
		memoryGB: Math.round(totalmem() / 2 ** 30),
		platform: `${process.platform} ${process.arch}`,
	};
	const { versions } = versionsAndDevice();
	const results = { date: new Date().toISOString(), machine, versions, ...subject, table };
	const file = at("bench", `${name}.json`);
	mkdirSync(at("bench"), { recursive: true });
	writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
	console.log(`\n${shown(file)} has these numbers.`);
}
