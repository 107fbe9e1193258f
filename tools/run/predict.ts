// Classifies images with the model that was trained last, or an exported one: `npm run predict -- FILE|FOLDER…`.
import { existsSync, statSync } from "node:fs";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import type { ImagePrediction } from "../../src/evaluation";
import { type Prediction, predictionsCsv } from "../../src/evaluation/predictions-csv";
import { findExport } from "../../src/export/formats";
import { filesIn, isImageFile } from "../../src/images/folders";
import type { FileProgress, OnFileProgress } from "../../src/support/progress";
import { printable } from "../../src/support/text";
import { commands } from "../commands.mjs";
import { readProbability } from "../setup/numbers.mjs";
import { at, fromHere } from "../setup/paths.mjs";
import { main as monitor } from "./monitor";
import { fittedSets, setsOf } from "./prediction-sets";
import { type Detect, shareOfStrangers, strangerDetector } from "./strangers";
import { trainedModel } from "./trained-model";

const FORMATS = ["table", "csv", "json"] as const;
type Format = (typeof FORMATS)[number];
/** Training images that are named beside a stranger. */
const NEAREST = 3;

/** Prints label and calibrated probability of each image as a table, CSV or JSON. */
export async function main(args: string[]): Promise<void> {
	if (args.some((arg) => /^--monitor(=|$)/.test(arg))) return monitor(args);
	const options = readOptions(args);
	const { paths, format } = options;
	const {
		classNames,
		predict,
		setOf,
		threshold: chosen,
		detector,
	} = await (options.model ? exported(options.model) : trained(options));
	const threshold = options.threshold ?? chosen ?? null;
	const files = paths.flatMap((path) =>
		statSync(path).isDirectory() ? [...filesIn(path)].filter(isImageFile).sort() : path,
	);
	if (files.length === 0) throw new Error(`${paths.join(", ")} has no images`);
	endOnSignals();
	const onProgress = process.stderr.isTTY ? showProgress : null;
	const detect = await detector?.(onProgress).finally(clearProgress);
	const predictions = await predict(files, { onProgress }).finally(clearProgress);
	const readable = predictions.filter(({ error }) => !error).map(({ path }) => path);
	const found = detect ? await detect(readable).finally(clearProgress) : [];
	const strangers = found.values();
	const here = fromHere(".");
	const rows = predictions.map((row) => ({
		...row,
		path: relative(here, row.path),
		...(threshold !== null && { sure: row.probability !== null && row.probability >= threshold }),
		...(setOf && { set: row.error ? [] : setOf(row.probabilities) }),
		...(detect && strangerColumns(row.error ? undefined : strangers.next().value, here)),
	}));
	console.log(printed(rows, format, classNames));
	const share = shareOfStrangers(found, options.strangers ?? 0);
	if (share) console.error(share);
	const failed = rows.filter(({ error }) => error).length;
	if (failed > 0) console.error(`${failed} of ${rows.length} files cannot be read`);
	if (failed === rows.length) process.exitCode = 1;
}

/** A model that predicts. */
interface Predictor {
	classNames: string[];
	/** Least probability of a sure prediction that goes with the model. */
	threshold?: number;
	predict(files: string[], options: { onProgress: OnFileProgress }): Promise<ImagePrediction[]>;
	/** The classes that an image may have, by its probabilities. */
	setOf?(probabilities: number[]): string[];
	/** Fits the detector of images that are not like the training images. */
	detector?(onProgress: OnFileProgress): Promise<Detect>;
}

async function trained({ artifacts, coverage, strangers }: Options): Promise<Predictor> {
	const { model, record, temperature } = await trainedModel(artifacts);
	const { dataset } = record;
	const conformal = coverage === null ? undefined : fittedSets(artifacts, record, temperature, coverage);
	const { predictImages } = require("../../src/evaluation") as typeof import("../../src/evaluation");
	const { classNames } = record;
	const calibration = { classNames, temperature: temperature ?? 1 };
	return {
		classNames,
		setOf: conformal && setsOf(conformal, classNames),
		predict: (files, options) => predictImages(model, files, { ...calibration, ...options }),
		...(strangers !== null && {
			detector: (onProgress) => strangerDetector(dataset, { artifacts, falseAlarmRate: strangers, onProgress }),
		}),
	};
}

async function exported(path: string): Promise<Predictor> {
	const { loadExported } = require("../../src/export") as typeof import("../../src/export");
	const { metadata, predictImages } = await loadExported(path);
	const { classNames, threshold, conformal } = metadata;
	return { classNames, threshold, setOf: conformal && setsOf(conformal, classNames), predict: predictImages };
}

/** What is printed of how strange an image is; nothing of one that cannot be read. */
function strangerColumns(found: Awaited<ReturnType<Detect>>[number] | undefined, here: string) {
	const { isStranger = null, score = null, nearest = [] } = found ?? {};
	return {
		stranger: isStranger,
		distance: score,
		nearest: nearest.slice(0, NEAREST).map((path) => relative(here, path)),
	};
}

/** Rewrites a line on the terminal. */
function showProgress({ done, files }: FileProgress): void {
	process.stderr.write(`\r${done} of ${files} images\x1b[K`);
}

function clearProgress(): void {
	if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
}

interface Options {
	paths: string[];
	format: Format;
	artifacts: string;
	/** Path of an exported model; null for the one in `artifacts`. */
	model: string | null;
	/** Least probability of a sure prediction; null for that of the model. */
	threshold: number | null;
	/** Fraction of images whose set of classes is to hold the right one; null for no sets. */
	coverage: number | null;
	/** Rate at which usual images are said to be unlike the training images; null where that is not asked for. */
	strangers: number | null;
}

function readOptions(args: string[]): Options {
	const type = "string";
	const options = {
		format: { type, default: "table" },
		artifacts: { type },
		model: { type },
		threshold: { type },
		coverage: { type },
		strangers: { type },
	} as const;
	const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
	if (positionals.length === 0)
		throw new Error(`there is nothing to predict: ${commands.predict.usage.replace("\n", " or ")}`);
	const format = FORMATS.find((name) => name === values.format);
	if (!format) throw new Error(`--format ${values.format}: expected ${FORMATS.join(", ")}`);
	const threshold = readProbability("--threshold", values.threshold);
	const coverage = readProbability("--coverage", values.coverage);
	const strangers = readProbability("--strangers", values.strangers);
	if (strangers === 0 || strangers === 1)
		throw new Error(`--strangers ${strangers}: expected a rate above 0 and below 1, for example 0.05`);
	const { artifacts, model } = values;
	if (model !== undefined && coverage !== null)
		throw new Error(
			"--coverage needs validation images: with --model the sets are those that npm run export -- --coverage put there",
		);
	if (model !== undefined && strangers !== null)
		throw new Error("--strangers needs training images, which an exported model does not have: leave out --model");
	if (artifacts !== undefined && model !== undefined)
		throw new Error(`--model ${model} and --artifacts ${artifacts} are two models: leave out one of them`);
	const paths = positionals.map(fromHere);
	const missing = paths.find((path) => !existsSync(path));
	if (missing) throw new Error(`there is no ${missing}`);
	return {
		...{ paths, format, threshold, coverage, strangers },
		artifacts: artifacts ? fromHere(artifacts) : at("artifacts"),
		model: model === undefined ? null : findExport(fromHere(model)).path,
	};
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
		.map(({ label, probability, error, sure = true, set, stranger, nearest = [] }, i) => {
			const name = printable(label ?? "").padEnd(labelWidth);
			const unlike = stranger ? `  not like the training images, nearest ${nearest.map(printable).join(", ")}` : "";
			const prediction = `${name}  ${(100 * (probability ?? 0)).toFixed(1)} %${sure ? "" : "  not sure"}${set ? `  {${set.map(printable).join(", ")}}` : ""}${unlike}`;
			return `${paths[i].padEnd(pathWidth)}  ${error ? `cannot be read: ${printable(error)}` : prediction}`;
		})
		.join("\n");
}
