// What networks are trained on, and how that went.
import { curves } from "../../../src/display/figures";
import { svgOf } from "../../../src/display/svg";
import { counted, formatDuration } from "../../../src/support/format";
import type { Curves } from "../../../src/training";
import { hasMethods, type Kind, tableBelow } from "./kind";

/** A dataset of `tf.data`; of this project, with classes, and if its images are known, with their labels. */
interface Dataset {
	/** Number of batches, or of other elements; -1 if it is not known. */
	size: number | null;
	classNames?: string[];
	labels?: number[];
	directory?: string;
	source?: { files?: { batchSize: number; decoding: { imageSize: [number, number]; channels: number } } };
}

/** What training returns: of this project, or of tf.layers. */
type History =
	| (Curves & { epochsRun: number; seconds: number })
	| { epoch: number[]; history: Record<string, number[]> };

export const datasets: Kind<Dataset> = {
	is: (value): value is Dataset => "size" in value && hasMethods(value, "forEachAsync", "iterator", "batch"),
	line({ size, classNames, labels, directory }) {
		const counts = [
			...(classNames ? [`${classNames.length} classes`] : []),
			...(labels ? [counted(labels.length, "image")] : []),
			...(size !== null && size >= 0 ? [classNames ? `${size} batches` : counted(size, "element")] : []),
		];
		return `Dataset${directory ? ` ${directory}` : ""}: ${counts.join(", ") || "of unknown size"}`;
	},
	bundle(dataset) {
		const { classNames, labels, source } = dataset;
		const lines = [datasets.line(dataset)];
		const { batchSize, decoding } = source?.files ?? {};
		if (decoding)
			lines.push(`Batches: float32 [${[batchSize, ...decoding.imageSize, decoding.channels].join(", ")}], 0–255`);
		const rows = (classNames ?? []).map((name, label) => {
			const images = labels?.filter((other) => other === label).length;
			return images === undefined ? { class: name } : { class: name, images };
		});
		return tableBelow(lines, rows);
	},
};

export const histories: Kind<History> = {
	is: (value): value is History =>
		"epochsRun" in value
			? "loss" in value && "valAcc" in value
			: "epoch" in value && "history" in value && "params" in value,
	line(history) {
		const measured = columnsOf(history);
		const seconds = "seconds" in history ? ` in ${formatDuration(history.seconds)}` : "";
		const last = Object.entries(measured).flatMap(([name, values]) => {
			const value = values.at(-1);
			return typeof value === "number" ? [`${name} ${Number(value.toPrecision(4))}`] : [];
		});
		return [`History of ${counted(epochsOf(history), "epoch")}${seconds}`, ...last].join(", ");
	},
	bundle(history) {
		const measured = columnsOf(history);
		const rows = Array.from({ length: epochsOf(history) }, (_, i) => ({
			epoch: i + 1,
			...Object.fromEntries(Object.entries(measured).map(([name, values]) => [name, values[i]])),
		}));
		const table = tableBelow([histories.line(history)], rows);
		return { ...table, "text/html": `${figuresOf(measured)}${table["text/html"]}` };
	},
};

/** The curves that have values, by name. */
function columnsOf(history: History): Record<string, number[]> {
	const all = "epochsRun" in history ? { ...history } : history.history;
	const isCurve = (value: unknown) => Array.isArray(value) && value.length > 0;
	return Object.fromEntries(Object.entries(all).filter(([, values]) => isCurve(values))) as Record<string, number[]>;
}

const epochsOf = (history: History) => ("epochsRun" in history ? history.epochsRun : history.epoch.length);

/** Loss and accuracy as curves, side by side. */
function figuresOf(measured: Record<string, number[]>): string {
	const { loss = [], acc = measured.accuracy ?? [] } = measured;
	const history: Curves = {
		...{ loss, acc },
		valLoss: measured.valLoss ?? measured.val_loss ?? [],
		valAcc: measured.valAcc ?? measured.val_acc ?? measured.val_accuracy ?? [],
	};
	const measures = (["loss", "acc"] as const).filter((measure) => history[measure].length > 0);
	return measures.map((measure) => svgOf(curves(history, measure), { width: 420, height: 300 })).join("");
}
