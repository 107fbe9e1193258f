import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import sharp from "sharp";
import { confusionMatrixFigure, curves } from "../../src/display/figures";
import { showImages } from "../../src/display/images";
import { liveSteps } from "../../src/display/progress-bar";
import { showFigure, showMarkdown } from "../../src/display/show";
import { liveProgress } from "../../src/display/training-progress";
import type { Progress } from "../../src/training/history";
import { imageFolder, printed, temporaryFolder } from "../helpers";

type Message = { data: Record<string, string>; transient: { display_id?: string }; update: boolean };
const kernelSymbol = Symbol.for("tslab.kernel");
let messages: Message[] = [];

/** What was shown since the last call, as the kernel would send it. */
function shown(): Message[] {
	const taken = messages;
	messages = [];
	return taken;
}

/** A kernel that records messages; test/kernel and test/notebooks/lab.test.ts use a real one. */
const recorder = {
	current: () => ({
		publish: (type: string, content: Message) => messages.push({ ...content, update: type === "update_display_data" }),
	}),
};
const setKernel = (kernel?: object) => Object.assign(globalThis, { [kernelSymbol]: kernel });
before(() => setKernel(recorder));
after(() => setKernel());

test("a figure is plotly's JSON, an image for where plotly is not, and a word for where nothing can be drawn", () => {
	showFigure({ data: [{ type: "bar", x: ["a"], y: [1] }], layout: { title: { text: "Bars" } } });
	const [{ data }] = shown();
	const figure = data["application/vnd.plotly.v1+json"] as unknown as {
		data: object[];
		layout: Record<string, unknown>;
	};
	assert.deepEqual(figure.data, [{ type: "bar", x: ["a"], y: [1] }]);
	assert.deepEqual(figure.layout.title, { text: "Bars" });
	assert.equal(data["text/plain"], "Figure: Bars");
	assert.match(data["image/svg+xml"], /^<svg .*>Bars<.*<rect /s);
});

test("images come from files and tensors, at the size asked for; what is no image has a frame", async () => {
	const image = tf.tensor3d([
		[[300], [-5]],
		[[0], [255]],
	]);
	const pipe = join(temporaryFolder(), "pipe.jpg");
	execFileSync("mkfifo", [pipe]);
	const empty = join(temporaryFolder(), "empty.jpg");
	writeFileSync(empty, "");
	await showImages(
		[
			{ image: join(imageFolder, "cats", "plain.jpg"), caption: 'a "cat"' },
			{ image, caption: "tensor" },
			{ image: join(temporaryFolder(), "missing.jpg"), caption: "missing" },
			{ image: pipe, caption: "a pipe" },
			{ image: empty, caption: "an empty file" },
			{ image: join(imageFolder, "dogs", "bitmap.bmp"), caption: "BMP, which sharp does not read" },
		],
		{ size: 20 },
	);
	const [{ data }] = shown();
	const urls = [...data["text/html"].matchAll(/base64,([^"]+)"/g)].map(([, base64]) => Buffer.from(base64, "base64"));
	assert.equal(urls.length, 3);
	const file = await sharp(urls[0]).metadata();
	assert.deepEqual([file.format, file.width, file.height], ["png", 20, 15]);
	const pixels = await sharp(urls[1]).greyscale().raw().toBuffer();
	assert.deepEqual([pixels[0], pixels[19], pixels[399]], [255, 0, 255]);
	assert.ok(data["text/html"].includes("no image") && data["text/html"].includes("a &quot;cat&quot;"));
});

test("curves and confusion matrix are figures of the numbers given", () => {
	const figure = curves({ acc: [0.5, 0.7], loss: [1, 0.5], valAcc: [0.4, 0.6], valLoss: [] }, "acc");
	assert.deepEqual(
		figure.data.map((trace) => (trace as { y: number[] }).y),
		[
			[0.5, 0.7],
			[0.4, 0.6],
		],
	);
	assert.equal(curves({ acc: [], loss: [1], valAcc: [], valLoss: [] }, "loss").data.length, 1);
	const afterEpoch = { acc: [0.6, 0.8], loss: [0.9, 0.4] };
	const compared = curves({ acc: [0.5, 0.7], loss: [1, 0.5], valAcc: [0.4, 0.6], valLoss: [] }, "acc", { afterEpoch });
	assert.deepEqual(
		(compared.data as { name: string; y: number[] }[]).map(({ name, y }) => [name, y]),
		[
			["Training Accuracy (running mean)", [0.5, 0.7]],
			["Training Accuracy (after the epoch)", [0.6, 0.8]],
			["Validation Accuracy", [0.4, 0.6]],
		],
	);
	const [matrix] = confusionMatrixFigure(
		[
			[3, 1],
			[0, 2],
		],
		["a", "b"],
	).data as { z: number[][]; x: string[] }[];
	assert.deepEqual(
		[matrix.z, matrix.x],
		[
			[
				[3, 1],
				[0, 2],
			],
			["a", "b"],
		],
	);
});

test("an updated figure starts anew, since JupyterLab's plotly does not redraw", () => {
	showFigure({ data: [] }, { id: "here", update: true });
	const [first, second] = shown();
	assert.deepEqual([Object.keys(first.data), first.transient.display_id], [["text/plain"], "here"]);
	assert.ok(second.data["application/vnd.plotly.v1+json"] && second.update);
});

test("training is one display, updated in place, that ends as an interactive chart", (context) => {
	const clock = context.mock.method(performance, "now", () => 0).mock;
	const onProgress = liveProgress();
	const history = { loss: [] as number[], acc: [] as number[], valLoss: [] as number[], valAcc: [] as number[] };
	const step = (milliseconds: number, progress: object) => {
		clock.mockImplementation(() => milliseconds);
		onProgress({ epochs: 2, batches: 2, loss: 0.5, acc: 0.25, history, done: false, ...progress } as Progress);
	};
	step(1000, { epoch: 1, batch: 1, samples: 32 });
	step(1100, { epoch: 1, batch: 2, samples: 64 });
	history.loss.push(0.5);
	history.acc.push(0.25);
	history.valLoss.push(0.4);
	history.valAcc.push(0.75);
	step(3000, { epoch: 2, batch: 1, samples: 96, loss: 0.3 });
	step(4000, { epoch: 2, batch: 2, samples: 128, done: true });

	const all = shown();
	assert.equal(new Set(all.map(({ transient }) => transient.display_id)).size, 1);
	// The second step comes too soon after the first to be drawn.
	assert.deepEqual(
		all.map(({ update }) => update),
		[false, true, true],
	);
	// A quarter of the work in one second, three quarters in three.
	assert.match(
		all[0].data["text/html"],
		/Epoch 1\/2, batch 1\/2.* 32 images\/s, 3 s left.*loss 0\.5000.*width:25\.0%/s,
	);
	assert.match(all[1].data["text/html"], /Epoch 2\/2.* 32 images\/s, 1 s left.*width:75\.0%.*<polyline/s);
	const chart = all[2].data["application/vnd.plotly.v1+json"] as unknown as { data: { x: number[]; y: number[] }[] };
	assert.deepEqual(chart.data[0], { ...chart.data[0], x: [0.5, 1, 1.5, 2], y: [0.5, 0.5, 0.3, 0.5] });
	assert.deepEqual(chart.data[1].y, [0.4]);
	assert.match(
		all[2].data["text/plain"],
		/^Epoch 1\/2 {2}loss: 0\.5000.*valAcc: 0\.7500\n1 of 2 epochs in 4 s, 32 images\/s$/,
	);
});

test("outside a notebook the plain form is printed", async () => {
	setKernel();
	assert.equal(await printed(() => showMarkdown("- one")), "- one");
	setKernel(recorder);
});

test("named steps are one output, updated in place, with a bar of those that are done", () => {
	const showStep = liveSteps(4);
	for (const name of ["a, seed 1 of 2", "a, seed 2 of 2", "b & c"]) showStep(name);
	showStep();
	const messages = shown();
	assert.deepEqual(
		messages.map(({ update }) => update),
		[false, true, true, true],
	);
	assert.equal(new Set(messages.map(({ transient }) => transient.display_id)).size, 1);
	assert.equal(messages[1].data["text/plain"], "a, seed 2 of 2");
	assert.match(messages[1].data["text/html"], /width:25\.0%/);
	assert.match(messages[2].data["text/html"], /b &amp; c.*width:50\.0%/);
	assert.match(messages[3].data["text/plain"], /^4 steps in \d+ s$/);
});
