// The rows of the table of predictions.
import { type Conformal, predictionSets } from "../../metrics/conformal";
import { percent } from "../../support/format";
import type { Prediction } from "./model";

/** An image and what was found. */
export interface Result {
	file: File;
	prediction: Prediction | null;
	error: string | null;
}

/** Returns what a prediction says in words. */
export function sentence({ prediction, error }: Result, classNames: string[], threshold: number): string {
	if (!prediction) return `cannot be read: ${error}`;
	const { label, probabilities } = prediction;
	const best = `${classNames[label]} ${percent(probabilities[label])}`;
	return probabilities[label] < threshold ? `not sure: ${best}` : best;
}

/** What an export says of sure predictions and of prediction sets. */
export interface Rules {
	threshold: number;
	conformal?: Conformal;
}

/** Makes the row of an image. */
export function rowOf(result: Result, classNames: string[], { threshold, conformal }: Rules): HTMLTableRowElement {
	const { file, prediction, error } = result;
	const row = document.createElement("tr");
	const [image, label, list] = Array.from({ length: 3 }, () => row.appendChild(document.createElement("td")));
	image.append(picture(result), text("div", "name", file.name));
	if (!prediction) {
		label.append(text("div", "error", `cannot be read: ${error}`));
		return row;
	}
	const { probabilities } = prediction;
	const isSure = probabilities[prediction.label] >= threshold;
	label.append(
		...(isSure ? [] : [text("div", "unsure", "not sure")]),
		text("div", "label", classNames[prediction.label]),
		text("div", "", percent(probabilities[prediction.label])),
		...(conformal ? [text("div", "set", setSentence(probabilities, classNames, conformal))] : []),
	);
	list.append(bars(probabilities, classNames));
	return row;
}

/** The classes that an image may have, in words. */
function setSentence(probabilities: number[], classNames: string[], conformal: Conformal): string {
	const [labels] = predictionSets([probabilities], conformal);
	const names = labels.map((label) => classNames[label]).join(" or ");
	return `${percent(conformal.coverage)} coverage: ${names || "none of the classes"}`;
}

/** The most probable classes; all of them are in the CSV. */
function bars(probabilities: number[], classNames: string[]): HTMLElement {
	const list = document.createElement("ul");
	const order = probabilities.map((_, i) => i).sort((a, b) => probabilities[b] - probabilities[a]);
	for (const i of order.slice(0, 5)) {
		const item = list.appendChild(document.createElement("li"));
		item.style.setProperty("--share", String(probabilities[i]));
		item.append(text("span", "", classNames[i]), text("span", "", percent(probabilities[i])));
	}
	return list;
}

/** The image, below its class activation map if there is one. */
function picture({ file, prediction }: Result): HTMLElement {
	const figure = text("div", "picture", "");
	if (!prediction) return figure;
	const image = figure.appendChild(document.createElement("img"));
	image.alt = "";
	image.src = URL.createObjectURL(file);
	image.onload = () => URL.revokeObjectURL(image.src);
	if (prediction.heat) figure.append(heatMap(prediction.heat));
	return figure;
}

/** Red where the prediction rests on, as `overlay` of the notebooks. */
function heatMap({ values, rows, columns }: NonNullable<Prediction["heat"]>): HTMLCanvasElement {
	const canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
	const [least, greatest] = [Math.min(...values), Math.max(...values)];
	const pixels = new Uint8ClampedArray(4 * values.length);
	values.forEach((value, i) => {
		const opacity = (0.6 * (value - least)) / Math.max(greatest - least, 1e-12);
		pixels.set([255, 40, 0, 255 * opacity], 4 * i);
	});
	canvas.getContext("2d")?.putImageData(new ImageData(pixels, columns, rows), 0, 0);
	return canvas;
}

function text(tag: string, className: string, content: string): HTMLElement {
	return Object.assign(document.createElement(tag), { className, textContent: content });
}
