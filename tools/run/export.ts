// Exports the model that was trained last: `npm run export -- --format keras|savedmodel|onnx|tfjs|web`.
import { statSync } from "node:fs";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import type { ExportMetadata } from "../../src/export";
import { EXPORT_FORMATS, type ExportFormat, requireFormat, type WeightFormat } from "../../src/export/formats";
import { filesIn } from "../../src/images/folders";
import type { Conformal } from "../../src/metrics";
import { commands } from "../commands.mjs";
import { readProbability } from "../setup/numbers.mjs";
import { at, fromHere } from "../setup/paths.mjs";
import { fittedSets } from "./prediction-sets";
import { trainedModel } from "./trained-model";

/** Writes the model in each of the formats, and prints where it is and how large. */
export async function main(args: string[]): Promise<void> {
	const { formats, weights, artifacts, output, threshold, coverage } = readOptions(args);
	const { model, record, temperature } = await trainedModel(artifacts);
	const { exportModel } = require("../../src/export") as typeof import("../../src/export");
	const { classNames, weights: source } = record;
	const metadata: ExportMetadata = {
		...{ classNames, temperature },
		...(threshold !== null && { threshold }),
		...(coverage !== null && { conformal: finite(fittedSets(artifacts, record, temperature, coverage)) }),
		...(source && { weights: source }),
	};
	for (const format of formats) {
		const path = await exportModel(model, output, { format, metadata, weights });
		console.log(`${relative(fromHere("."), path)}  ${(sizeOf(path) / 1e6).toFixed(2)} MB`);
	}
}

/** Prediction sets for JSON, which knows no infinity: no score is above 1. */
const finite = (conformal: Conformal): Conformal => ({
	...conformal,
	thresholds: conformal.thresholds.map((threshold) => Math.min(threshold, 1)),
});

interface Options {
	formats: ExportFormat[];
	weights: WeightFormat;
	artifacts: string;
	output: string;
	/** Least probability of a sure prediction, which goes with the model; null where none is asked for. */
	threshold: number | null;
	/** Fraction of images whose set of classes is to hold the right one; null where no sets are asked for. */
	coverage: number | null;
}

function readOptions(args: string[]): Options {
	const options = {
		format: { type: "string", multiple: true },
		weights: { type: "string", default: "float32" },
		artifacts: { type: "string" },
		output: { type: "string", default: "exported" },
		threshold: { type: "string" },
		coverage: { type: "string" },
	} as const;
	const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
	if (positionals.length > 0) throw new Error(`${positionals[0]} is not expected: ${commands.export.usage}`);
	const { weights, artifacts, output } = values;
	// All formats that store them that way, unless said.
	const stored = Object.entries(EXPORT_FORMATS).filter(([, known]) => (known as readonly string[]).includes(weights));
	const formats = values.format ?? stored.map(([name]) => name);
	for (const format of formats.length > 0 ? formats : ["onnx"]) requireFormat(format, weights);
	return {
		formats: formats as ExportFormat[],
		weights: weights as WeightFormat,
		artifacts: artifacts ? fromHere(artifacts) : at("artifacts"),
		output: fromHere(output),
		threshold: readProbability("--threshold", values.threshold),
		coverage: readProbability("--coverage", values.coverage),
	};
}

/** Bytes of a file, or of all files in a folder. */
function sizeOf(path: string): number {
	if (!statSync(path).isDirectory()) return statSync(path).size;
	return [...filesIn(path)].reduce((sum, file) => sum + statSync(file).size, 0);
}
