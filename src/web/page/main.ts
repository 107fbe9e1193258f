// The page of an exported model: images in, classes out.
import { predictionsCsv } from "../../evaluation/predictions-csv";
import { useCamera } from "./camera";
import { pixelsOf } from "./decode";
import { type Embedded, loadModel } from "./model";
import { type Result, rowOf, sentence } from "./view";

const find = <T extends HTMLElement>(selector: string) => document.querySelector(selector) as T;
const status = find("#status");
const say = (message: string) => {
	status.textContent = message;
};

const embedded: Embedded = JSON.parse(find("#model").textContent ?? "");
const { classNames, input, temperature, threshold: chosen, conformal } = embedded.metadata;
const threshold = find<HTMLInputElement>("#threshold");
threshold.value = String(Math.round(100 * (chosen ?? 0)));
const leastSure = () => Number(threshold.value) / 100;
const rules = () => ({ threshold: leastSure(), conformal });
const heat = find<HTMLInputElement>("#heat");

let results: Result[] = [];

/** `#backend=wasm` in the address picks a backend. */
const wanted = new URLSearchParams(location.hash.slice(1)).get("backend");
const model = loadModel(embedded, find("#wasm").textContent ?? "", wanted);

async function predict(file: File): Promise<Result> {
	try {
		const pixels = await pixelsOf(file, input);
		return { file, prediction: await (await model).predict(pixels, { heat: heat.checked }), error: null };
	} catch (error) {
		return { file, prediction: null, error: (error as Error).message };
	}
}

/** Images wait for those before them. */
let queue: Promise<unknown> = Promise.resolve();

function add(files: File[]): void {
	queue = queue.then(async () => {
		for (const [i, file] of files.entries()) {
			say(`Reading image ${i + 1} of ${files.length}`);
			// Lets the browser draw, which decoding keeps from it.
			await new Promise((done) => setTimeout(done));
			const result = await predict(file);
			results.push(result);
			find("tbody").prepend(rowOf(result, classNames, rules()));
			find("table").hidden = find("#actions").hidden = false;
			say(`${file.name}: ${sentence(result, classNames, leastSure())}`);
		}
	});
}

function show(): void {
	find("tbody").replaceChildren(...results.map((result) => rowOf(result, classNames, rules())).reverse());
	find("table").hidden = find("#actions").hidden = results.length === 0;
	const last = results.at(-1);
	say(last ? `${last.file.name}: ${sentence(last, classNames, leastSure())}` : "");
}

function download(): void {
	const rows = results.map(({ file, prediction, error }) => ({
		path: file.name,
		label: prediction && classNames[prediction.label],
		probability: prediction?.probabilities[prediction.label] ?? null,
		probabilities: prediction?.probabilities ?? [],
		error,
		sure: prediction !== null && prediction.probabilities[prediction.label] >= leastSure(),
	}));
	const url = URL.createObjectURL(new Blob([predictionsCsv(rows, classNames)], { type: "text/csv" }));
	Object.assign(document.createElement("a"), { href: url, download: "predictions.csv" }).click();
	URL.revokeObjectURL(url);
}

/** Predicts all images again, with class activation maps or without. */
function again(): void {
	const files = results.map(({ file }) => file);
	results = [];
	show();
	add(files);
}

const files = find<HTMLInputElement>("#files");
files.addEventListener("change", () => {
	add([...(files.files ?? [])]);
	files.value = "";
});
threshold.addEventListener("input", show);
heat.addEventListener("change", again);
find("form").addEventListener("submit", (event) => event.preventDefault());
find("#csv").addEventListener("click", download);
find("#clear").addEventListener("click", () => {
	results = [];
	show();
	files.focus();
});
document.addEventListener("paste", ({ clipboardData }) => add([...(clipboardData?.files ?? [])]));
for (const kind of ["dragover", "dragleave", "drop"] as const) {
	document.addEventListener(kind, (event) => {
		event.preventDefault();
		document.body.classList.toggle("dropping", kind === "dragover");
		if (kind === "drop") add([...(event.dataTransfer?.files ?? [])]);
	});
}
useCamera((photograph) => add([photograph]), say);

const calibration = temperature ? "calibrated" : "as the network gives them";
find("#about").textContent =
	`Classes: ${classNames.join(", ")}. Images of ${input.width} × ${input.height} pixels; probabilities ${calibration}.`;
model.then(
	({ backend }) => {
		document.documentElement.dataset.backend = backend;
		find("#about").append(` Runs on ${backend}.`);
	},
	(error) => say((error as Error).message),
);
