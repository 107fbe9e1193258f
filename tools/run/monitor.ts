// Compares new images with those of validation: `npm run predict -- --monitor FOLDER`.
import { existsSync, statSync } from "node:fs";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import type { Drift } from "../../src/evaluation";
import { filesIn, isImageFile } from "../../src/images/folders";
import { counted, percent } from "../../src/support/format";
import { printable } from "../../src/support/text";
import { commands } from "../commands.mjs";
import { at, fromHere, shown } from "../setup/paths.mjs";
import { type Detect, shareOfStrangers, strangerDetector, trainedImages } from "./strangers";
import { trainedModel } from "./trained-model";

/** Exit code where new images are not like those before; an error is 1. */
const DRIFTED = 2;
const DISTANCE = "distance to the training images";
/** What is said of a property that has become less, and more. */
const WORDS: Record<string, [string, string]> = {
	brightness: ["darker", "brighter"],
	sharpness: ["more blurred", "sharper"],
	colour: ["less colourful", "more colourful"],
	size: ["smaller", "larger"],
	[DISTANCE]: ["more like the training images", "less like the training images"],
};
/** Images that are named. */
const NAMED = 5;
/** Rate at which usual images are said to be unlike the training images. */
const FALSE_ALARM_RATE = 0.05;

/** Says in words what has changed, and which images changed most. */
export async function main(args: string[]): Promise<void> {
	const { folder, artifacts } = readOptions(args);
	const files = [...filesIn(folder)].filter(isImageFile).sort();
	if (files.length === 0) throw new Error(`${shown(folder)} has no images`);
	const trained = await trainedModel(artifacts);
	const { dataset } = trained.record;
	const validation = trainedImages(dataset, "valid");
	const { driftOf } = require("../../src/evaluation") as typeof import("../../src/evaluation");
	const options = { artifacts, falseAlarmRate: FALSE_ALARM_RATE, onProgress: null };
	const detect = await strangerDetector(dataset, options).catch((error: Error) => {
		// Without a network that fetches the weights the rest can be compared.
		console.error(`without the distance to the training images: ${error.message}`);
		return null;
	});
	const measure = measurer(trained, detect);
	const before = await measure(validation);
	const now = await measure(files);
	const drifts = driftOf(before.properties, now.properties);
	const lost = files.length - now.paths.length;
	if (lost > 0) console.error(`${lost} of ${files.length} files cannot be read`);
	console.log(report(drifts, now, before.paths.length));
	if (drifts.some(({ hasDrifted }) => hasDrifted)) process.exitCode = DRIFTED;
}

/** Images that can be read, how strange each is if that is known, and what is compared of all of them. */
interface Measured {
	paths: string[];
	strangers: Awaited<ReturnType<Detect>> | null;
	properties: Record<string, number[]>;
}

/** Returns the function that measures images as a model sees them, beside those that it was trained on. */
function measurer(
	{ model, record, temperature }: Awaited<ReturnType<typeof trainedModel>>,
	detect: Detect | null,
): (paths: string[]) => Promise<Measured> {
	const { classNames } = record;
	const { predictImages } = require("../../src/evaluation") as typeof import("../../src/evaluation");
	return async (given) => {
		const predictions = await predictImages(model, given, { classNames, temperature: temperature ?? 1 });
		const readable = predictions.filter(({ error }) => error === null);
		if (readable.length === 0) throw new Error(`none of ${counted(given.length, "file")} can be read`);
		const paths = readable.map(({ path }) => path);
		const strangers = detect && (await detect(paths));
		const shares = classNames.map((name, label) => [
			`probability of ${name}`,
			readable.map(({ probabilities }) => probabilities[label]),
		]);
		// With two classes the one says what the other does.
		const told = Object.fromEntries(shares.length === 2 ? shares.slice(0, 1) : shares);
		const distance = strangers && { [DISTANCE]: strangers.map(({ score }) => score) };
		return { paths, strangers, properties: { ...(await looksOf(paths)), ...distance, ...told } };
	};
}

/** Measures what images look like. */
async function looksOf(paths: string[]): Promise<Record<"brightness" | "sharpness" | "colour" | "size", number[]>> {
	const { imageProperties } = require("../../src/cleaning") as typeof import("../../src/cleaning");
	const [brightness, sharpness, colour, size]: number[][] = [[], [], [], []];
	for await (const { edges, width, height, colourfulness, ...image } of imageProperties(paths)) {
		brightness.push(image.brightness);
		sharpness.push(edges);
		colour.push(colourfulness);
		size.push(Math.sqrt(width * height));
	}
	return { brightness, sharpness, colour, size };
}

function readOptions(args: string[]): { folder: string; artifacts: string } {
	const options = { monitor: { type: "string" }, artifacts: { type: "string" } } as const;
	const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
	if (!values.monitor || positionals.length > 0)
		throw new Error(`--monitor takes one folder: ${commands.predict.usage.replace("\n", " or ")}`);
	const folder = fromHere(values.monitor);
	if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new Error(`there is no folder ${values.monitor}`);
	return { folder, artifacts: values.artifacts ? fromHere(values.artifacts) : at("artifacts") };
}

function report(drifts: Drift[], now: Measured, images: number): string {
	const changed = drifts.filter(({ hasDrifted }) => hasDrifted);
	const these = `${counted(now.paths.length, "image")} compared with ${counted(images, "validation image")}, which the network has not seen`;
	const share = now.strangers && shareOfStrangers(now.strangers, FALSE_ALARM_RATE);
	const strangers = share ? [share] : [];
	if (changed.length === 0) return [`${these}: nothing has changed beyond chance.`, ...strangers].join("\n");
	return [`${these}:`, ...changed.map(sentence), ...strangers, ...strangestOf(now)].join("\n");
}

/** Names the images that are least like the training images. */
function strangestOf({ paths, strangers }: Measured): string[] {
	if (!strangers) return [];
	const strangest = paths
		.map((path, i) => ({ path, distance: strangers[i].score }))
		.sort((a, b) => b.distance - a.distance)
		.slice(0, NAMED)
		.map(({ path, distance }) => `  ${printable(relative(fromHere("."), path))}  ${distance.toFixed(3)}`);
	return ["Least like the training images (distance):", ...strangest];
}

function sentence({ property, before, now, pValue }: Drift): string {
	const [less, more] = WORDS[property] ?? ["", ""];
	const direction = now < before ? less : more;
	const isShare = property.startsWith("probability of ");
	const shownValue = (value: number) => (isShare ? percent(value) : value.toPrecision(3));
	const values = `${property} ${shownValue(now)} instead of ${shownValue(before)}, medians`;
	return `- ${direction && now !== before ? `${direction}: ` : ""}${printable(values)} (p = ${pValue.toPrecision(1)})`;
}
