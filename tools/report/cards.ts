// The model card (Mitchell et al., 2019) and the data sheet (Gebru et al., 2021) of a run, in the parts that a run can know.
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fitConformal, predictionSets, proportionConfint, withTemperature } from "../../src/metrics";
import { decoded } from "../../src/pipeline/decoded-predictions";
import type { PredictionsRecord } from "../../src/pipeline/predictions";
import type {
	EvaluationRecord,
	IssuesRecord,
	ModelRecord,
	PositiveThreshold,
	SliceRow,
} from "../../src/pipeline/records";
import { writeFileAtomically } from "../../src/support/files";
import { percent } from "../../src/support/format";
import { shown } from "../setup/paths.mjs";
import type { RunRecord } from "./run-record";
import { testAccuracy } from "./verdict";

/** The records that the cards are made of. */
export interface CardRecords {
	run: RunRecord;
	training: ModelRecord | null;
	issues: IssuesRecord | null;
	evaluation: CardEvaluation | null;
	/** Default: no prediction sets. */
	predictions?: PredictionsRecord | null;
}

/** Coverage of the prediction sets of the card. */
const COVERAGE = 0.95;

type CardEvaluation = Pick<EvaluationRecord, "temperature" | "slices" | "calibrationError" | "threshold">;

/**
 * Writes `MODEL_CARD.md` to the artifacts and `DATASHEET.md` to the data set. What a person has filled in stays; a file that
 * has no fields to fill in is not of this command, and is left alone with a line that says so.
 */
export function writeCards(records: CardRecords, { artifacts, dataset }: { artifacts: string; dataset: string }): void {
	if (records.training) writeCard(join(artifacts, "MODEL_CARD.md"), modelCard(records, records.training));
	if (records.run.origin?.data) writeCard(join(dataset, "DATASHEET.md"), dataSheet(records));
}

/** A field that a person fills in: what is between the two comments is theirs. */
const FIELD = /<!-- yours: ([\w-]+) -->\n([\s\S]*?)\n<!-- end -->/g;
const field = (name: string, question: string) => `<!-- yours: ${name} -->\n*Fill in: ${question}*\n<!-- end -->`;

function writeCard(file: string, content: string): void {
	try {
		const earlier = existsSync(file) ? readFileSync(file, "utf8") : null;
		const fields = new Map([...(earlier ?? "").matchAll(FIELD)].map(([, name, text]) => [name, text]));
		if (earlier !== null && fields.size === 0) {
			console.log(`${shown(file)} has no fields of a card: it is left as it is; move it away to get one`);
			return;
		}
		const kept = content.replaceAll(FIELD, (whole, name: string) => {
			const text = fields.get(name);
			return text === undefined ? whole : `<!-- yours: ${name} -->\n${text}\n<!-- end -->`;
		});
		if (kept !== earlier) writeFileAtomically(file, kept);
	} catch (error) {
		// A data set can be read-only.
		console.log(`${shown(file)} is not written: ${(error as Error).message}`);
	}
}

/** Text that means nothing to Markdown, and can be read in the file too. */
const escaped = (text: string) => text.replace(/[\\`*_{}[\]<>|#&]/g, "\\$&").replace(/\s+/g, " ");

const lines = (...parts: (string | false | null | undefined)[]) => `${parts.filter(Boolean).join("\n\n")}\n`;

function table(header: string[], rows: (string | number)[][]): string {
	const line = (cells: (string | number)[]) => `| ${cells.join(" | ")} |`;
	return [line(header), `|${header.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

const share = (hits: number, of: number): string => {
	if (of === 0) return "no images";
	const { low, high } = proportionConfint(hits, of);
	return `${percent(hits / of)} (95 %: ${percent(low)} to ${percent(high)})`;
};

function modelCard(
	{ run, evaluation, predictions }: CardRecords,
	{ classNames, parameters, weights }: ModelRecord,
): string {
	const { confusionMatrix, test, origin, verdict } = run;
	const known = confusionMatrix && testAccuracy(confusionMatrix);
	const { backbone } = parameters;
	const network = backbone === "none" ? "a convolutional network trained from scratch" : `a classifier on ${backbone}`;
	return `${head(run, backbone)}\n${lines(
		"# Model card",
		"## Model details",
		`${network[0].toUpperCase()}${network.slice(1)}, for ${classNames.length} classes: ${classNames.map(escaped).join(", ")}. Images of ${parameters.imageSize} × ${parameters.imageSize} pixels, float32 in 0–255. Trained for ${run.epochsRun} epochs, recorded ${run.date.slice(0, 10)}.`,
		weights && `Pretrained weights: ${escaped(weights)}.`,
		origin?.code.commit &&
			`Code: commit ${origin.code.commit}${origin.code.isChanged ? ", with changes" : ""}. Device: ${escaped(run.device)}.`,
		field("contact", "who made the model, and whom to ask"),
		"## Intended use",
		field("intended-use", "what the model is for, who is to use it, and what it is not for"),
		"## Factors",
		field("factors", "cameras, places, people or materials between which the model could differ"),
		"## Metrics",
		known
			? `Accuracy on ${known.images} test images: ${percent(known.accuracy)} (${known.interval}); loss ${test?.loss.toFixed(4)}.`
			: "The model has not been evaluated: `npm start` does.",
		evaluation && calibration(evaluation),
		evaluation?.threshold && threshold(evaluation.threshold),
		evaluation && predictions && coverage(predictions, evaluation.temperature),
		"## Evaluation data and training data",
		`Images by split: ${Object.entries(run.counts)
			.map(([split, count]) => `${split} ${count ?? "unknown"}`)
			.join(", ")}. What they are, the data sheet says.`,
		"## Quantitative analyses",
		confusionMatrix &&
			table(
				["class", "recall", "precision"],
				classNames.map((name, i) => {
					const predicted = confusionMatrix.reduce((sum, row) => sum + row[i], 0);
					const support = confusionMatrix[i].reduce((sum, count) => sum + count, 0);
					return [escaped(name), share(confusionMatrix[i][i], support), share(confusionMatrix[i][i], predicted)];
				}),
			),
		evaluation?.slices && slices(evaluation.slices),
		"## Ethical considerations",
		field("ethics", "whom mistakes of the model can harm, and how"),
		"## Caveats and recommendations",
		verdict.map((sentence) => `- ${escaped(sentence)}`).join("\n"),
		field("caveats", "what else a user of the model must know"),
	)}`;
}

function calibration({ temperature, calibrationError }: CardEvaluation): string {
	const fitted = `Probabilities are calibrated by the temperature ${temperature.toFixed(3)}, fitted on the validation images.`;
	if (!calibrationError) return fitted;
	const [before, after] = calibrationError.map(percent);
	return `${fitted} The expected calibration error on the test images is ${before} without it and ${after} with it.`;
}

const threshold = ({ class: name, falseNegativeCost, falsePositiveCost, theory, tuned }: PositiveThreshold) =>
	`Where a missed image of ${escaped(name)} costs ${falseNegativeCost} and a false alarm ${falsePositiveCost}, theory calls an image ${escaped(name)} from the calibrated probability ${theory.toFixed(2)} on; ${tuned.toFixed(2)} costs least on the validation images.`;

function coverage(predictions: PredictionsRecord, temperature: number): string {
	const { valid, test } = decoded(predictions);
	const [fitted, checked] = [valid, test].map(({ logProbabilities }) => withTemperature(logProbabilities, temperature));
	const sets = predictionSets(checked, fitConformal(valid.yTrue, fitted, { coverage: COVERAGE }));
	const hits = sets.filter((set, i) => set.includes(test.yTrue[i])).length;
	const size = sets.reduce((sum, { length }) => sum + length, 0) / sets.length;
	return `Prediction sets with a coverage of ${percent(COVERAGE)}, fitted on the validation images, hold the class of ${share(hits, sets.length)} of the test images, and ${size.toFixed(2)} classes on average.`;
}

/** The accuracy by slice; the intervals are at the level of 95 % for all slices together. */
function slices(rows: SliceRow[]): string {
	if (rows.length === 0) return "All test images have the same brightness, size and sharpness.";
	const bounds = ({ accuracy, low, high }: SliceRow) => `${percent(accuracy)} (${percent(low)} to ${percent(high)})`;
	return table(
		["slice of the test images", "images", "accuracy (95 % for all slices together)"],
		rows.map((row) => [`${row.property} ${row.from.toFixed(2)} to ${row.to.toFixed(2)}`, row.images, bounds(row)]),
	);
}

/** What model hubs read: YAML, of which JSON is a part. */
function head({ test, dataset, versions }: RunRecord, backbone: string): string {
	const metrics = test
		? [
				{ type: "accuracy", value: test.accuracy },
				{ type: "loss", value: test.loss },
			]
		: [];
	const results = [
		{
			task: { type: "image-classification" },
			dataset: { name: basename(dataset), type: "image-folder" },
			metrics,
		},
	];
	const fields = {
		library_name: "tfjs",
		pipeline_tag: "image-classification",
		tags: ["image-classification", `tensorflow-${versions.tensorflow}`],
		...(backbone !== "none" && { base_model: backbone }),
		"model-index": [{ name: basename(dataset), results }],
	};
	const entries = Object.entries(fields).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
	return ["---", "# license: fill in", ...entries, "---", ""].join("\n");
}

function dataSheet({ run, issues }: CardRecords): string {
	const { data } = run.origin as NonNullable<RunRecord["origin"]>;
	const leaks = issues?.duplicates.filter(({ splits }) => splits.length > 1).length;
	const conflicts = issues?.duplicates.filter(({ classes }) => classes.length > 1).length;
	return lines(
		"# Data sheet",
		"## Motivation",
		field("motivation", "for what the images were collected, by whom, and who paid for it"),
		"## Composition",
		run.synthetic && "These are synthetic images, made by this project.",
		table(
			["split", "class", "images", "SHA-256 of names and contents"],
			(data ?? []).map((row) => [row.split, escaped(row.class), row.images, row.sha256]),
		),
		issues &&
			`Sets of identical or similar images: ${issues.duplicates.length}, of which ${leaks} are in several splits (leaks) and ${conflicts} in several classes (label conflicts). Notebook 01 shows them.`,
		field("composition", "what an image shows, whether people can be recognized, what is missing"),
		"## Collection process",
		field("collection", "with which cameras, where and when, and who agreed"),
		"## Preprocessing, cleaning, labelling",
		run.removed !== null && `Cleaning moved ${run.removed} files that cannot be decoded to the quarantine.`,
		field("labelling", "who labelled the images, by which rules, and how often two people agreed"),
		"## Uses",
		field("uses", "what the images may be used for, and what not"),
		"## Distribution and maintenance",
		field("distribution", "licence, where the images are, who maintains them"),
	);
}
