// Classifies images with the model that was trained last: `npm run predict -- FILE|FOLDER…`.
import { existsSync, statSync } from "node:fs";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { type Prediction, predictionsCsv } from "../../src/evaluation/predictions-csv";
import { filesIn, isImageFile } from "../../src/images/folders";
import { printable } from "../../src/support/text";
import { commands } from "../commands.mjs";
import { toNumber } from "../setup/numbers.mjs";
import { at, fromHere } from "../setup/paths.mjs";
import { trainedModel } from "./trained-model";

const FORMATS = ["table", "csv", "json"] as const;
type Format = (typeof FORMATS)[number];

/** Prints label and calibrated probability of each image as a table, CSV or JSON. */
export async function main(args: string[]): Promise<void> {
	const { paths, format, artifacts, threshold } = readOptions(args);
	const { model, record, temperature } = await trainedModel(artifacts);
	const { predictImages } = require("../../src/evaluation") as typeof import("../../src/evaluation");
	const files = paths.flatMap((path) =>
		statSync(path).isDirectory() ? [...filesIn(path)].filter(isImageFile).sort() : path,
	);
	if (files.length === 0) throw new Error(`${paths.join(", ")} has no images`);
	endOnSignals();
	const { classNames } = record;
	const predictions = await predictImages(model, files, { classNames, temperature: temperature ?? 1 });
	const here = fromHere(".");
	const rows = predictions.map((row) => ({
		...row,
		path: relative(here, row.path),
		...(threshold !== null && { sure: row.probability !== null && row.probability >= threshold }),
	}));
	console.log(printed(rows, format, classNames));
	const failed = rows.filter(({ error }) => error).length;
	if (failed > 0) console.error(`${failed} of ${rows.length} files cannot be read`);
	if (failed === rows.length) process.exitCode = 1;
}

interface Options {
	paths: string[];
	format: Format;
	artifacts: string;
	/** Least probability of a sure prediction; null where none is asked for. */
	threshold: number | null;
}

function readOptions(args: string[]): Options {
	const type = "string";
	const options = { format: { type, default: "table" }, artifacts: { type }, threshold: { type } } as const;
	const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
	if (positionals.length === 0) throw new Error(`there is nothing to predict: ${commands.predict.usage}`);
	const format = FORMATS.find((name) => name === values.format);
	if (!format) throw new Error(`--format ${values.format}: expected ${FORMATS.join(", ")}`);
	const threshold = values.threshold === undefined ? null : toNumber(values.threshold);
	if (threshold !== null && !(threshold >= 0 && threshold <= 1))
		throw new Error(`--threshold ${values.threshold}: expected a probability, 0 to 1`);
	const paths = positionals.map(fromHere);
	const missing = paths.find((path) => !existsSync(path));
	if (missing) throw new Error(`there is no ${missing}`);
	return { paths, format, threshold, artifacts: values.artifacts ? fromHere(values.artifacts) : at("artifacts") };
}

/** Lets the system end the process on Ctrl-C: TensorFlow keeps this thread busy, so a listener would not be called. */
function endOnSignals(): void {
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal);
}

function printed(rows: Prediction[], format: Format, classNames: string[]): string {
	if (format === "json") return JSON.stringify(rows, null, 2);
	return format === "csv" ? predictionsCsv(rows, classNames) : tableOf(rows, classNames);
}

function tableOf(rows: Prediction[], classNames: string[]): string {
	const paths = rows.map(({ path }) => printable(path));
	const pathWidth = Math.max(...paths.map((path) => path.length));
	const labelWidth = Math.max(...classNames.map((name) => printable(name).length));
	return rows
		.map(({ label, probability, error, sure = true }, i) => {
			const name = printable(label ?? "").padEnd(labelWidth);
			const prediction = `${name}  ${(100 * (probability ?? 0)).toFixed(1)} %${sure ? "" : "  not sure"}`;
			return `${paths[i].padEnd(pathWidth)}  ${error ? `cannot be read: ${printable(error)}` : prediction}`;
		})
		.join("\n");
}
