import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { decoded } from "../../src/pipeline/decoded-predictions";
import { makeSampleDataset } from "../../tools/data/sample-dataset";
import { outcomeOf, scoredOf } from "../../tools/report/interactive/outcome";
import { launchBrowser, noBrowser } from "../browser";
import { contents, root, temporaryFolder } from "../helpers";
import { claimsOf, contradictions, unsupported } from "./claims";
import { crossCheck } from "./cross-check";
import { notShown, opened, shownOutcome, verified } from "./interactive-page";

type Cell = {
	cell_type: string;
	source: string | string[];
	metadata: { tags?: string[] };
	outputs?: object[];
	execution_count?: number;
};
type Notebook = { cells: Cell[]; metadata: { kernelspec: { name: string } } };

const folder = join(root, "notebooks");
const names = readdirSync(folder)
	.filter((name) => name.endsWith(".ipynb"))
	.map((name) => name.replace(".ipynb", ""))
	.sort();
const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const text = ({ source }: Cell) => [source].flat().join("");

/** A command as a user types it; `code` is the exit code. */
function command(name: string, ...args: string[]): { code: number | null; out: string } {
	const result = spawnSync("node", [join(root, "tools", "cli.mjs"), name, ...args], { encoding: "utf8", cwd: root });
	return { code: result.status, out: result.stdout + result.stderr };
}
const report = (...args: string[]) => command("report", ...args);

describe("each notebook, as committed,", () => {
	names.forEach((name, i) => {
		const { cells, metadata } = read(join(folder, `${name}.ipynb`)) as Notebook;
		test(`${name}: no outputs, the tslab kernel, one parameters cell`, () => {
			assert.equal(metadata.kernelspec.name, "tslab");
			const code = cells.filter(({ cell_type }) => cell_type === "code");
			for (const { outputs, execution_count } of code) assert.deepEqual([outputs, execution_count], [[], null]);
			assert.equal(code.filter(({ metadata: { tags } }) => tags?.includes("parameters")).length, 1);
			assert.ok(code[0].metadata.tags?.includes("parameters"));
		});
		test(`${name}: values in Markdown are escaped`, () => {
			const calls = cells.flatMap((cell) => [
				...text(cell).matchAll(/showMarkdown\s*(?:\(\s*[^")]|\("[^"\n]*"(?!\)))[^\n]*/g),
			]);
			assert.deepEqual(
				calls.map(String),
				[],
				"as a template tag showMarkdown escapes values, as a function it does not",
			);
		});
		test(`${name}: a heading, prose before code, takeaways, and a link to the next`, () => {
			assert.match(text(cells[0]), /^# \w/);
			assert.ok(cells.some((cell) => cell.cell_type === "markdown" && /^## Takeaways/m.test(text(cell))));
			const next = names[(i + 1) % names.length];
			assert.ok(text(cells.at(-1) as Cell).includes(`(${next}.ipynb)`));
		});
	});
});

describe("on a small data set with broken files,", () => {
	const work = temporaryFolder();
	const [dataset, artifacts, reports] = ["dataset", "artifacts", "reports"].map((name) => join(work, name));
	const places = ["--dataset", dataset, "--artifacts", artifacts, "--reports", reports];
	const small = ["--epochs", "2", "--batch-size", "8", "--image-size", "48", "-p", "seed=7"];

	before(async () => {
		await makeSampleDataset(dataset, { counts: { train: 64, valid: 24, test: 24 } });
	});

	let alone: { history: { loss: number[] } };
	test("a late notebook runs alone: it cleans and trains what it needs; --no-input leaves the code out", () => {
		const { code, out } = report("05", "--no-input", ...places, ...small);
		assert.equal(code, 0, out);
		alone = read(join(artifacts, "training.json"));
		assert.equal(read(join(reports, "metrics.json")).removed, 10);
		assert.ok(!existsSync(join(reports, "04-training.html")));
		const html = readFileSync(join(reports, "05-evaluation.html"), "utf8");
		assert.ok(!html.includes("loadOrTrain") && html.includes("cracked"));
	});

	test("all run in order, and metrics.json holds what programs read", () => {
		const { code, out } = report("--with-model", "--with-names", ...places, ...small, "-p", "comparisonSteps=20");
		assert.equal(code, 0, out);
		const metrics = read(join(reports, "metrics.json"));
		assert.deepEqual(metrics.counts, { train: 64, valid: 24, test: 24 });
		assert.deepEqual([metrics.dataset, metrics.synthetic, metrics.removed], [dataset, true, 10]);
		assert.deepEqual(metrics.classNames, ["cracked", "intact"]);
		const { epochs, batchSize, seed, imageSize, learningRate } = metrics.parameters;
		assert.deepEqual([epochs, batchSize, seed, imageSize, learningRate], [2, 8, 7, 48, 0.001]);
		assert.equal(metrics.epochsRun, 2);
		for (const name of ["loss", "acc", "valLoss", "valAcc"]) assert.equal(metrics.history[name].length, 2);
		const [[a, b], [c, d]] = metrics.confusionMatrix;
		assert.equal(a + b + c + d, 24);
		assert.ok(Math.abs(metrics.test.accuracy - (a + d) / 24) < 1e-6);
		assert.ok(Math.abs(metrics.report.cracked.recall - a / (a + b)) < 1e-12);
		assert.deepEqual(Object.keys(metrics.report), ["cracked", "intact", "accuracy", "macro avg", "weighted avg"]);
		for (const part of ["clean", "train", "evaluate"]) assert.ok(metrics.seconds[part] > 0);
		assert.ok(metrics.verdict.length >= 2, "a judgement and what limits it");
		for (const sentence of metrics.verdict) assert.ok(out.includes(sentence), sentence);
		assert.ok(metrics.versions.tensorflow && metrics.versions.node && metrics.device);
	});

	test("every figure that the reports show more than once is the same everywhere", (t) => {
		const { compared, disagreements } = crossCheck(reports, artifacts);
		t.diagnostic(`${compared} comparisons`);
		assert.deepEqual(disagreements, []);
	});

	describe("the page of the evaluation, in a browser without a network,", { skip: noBrowser }, () => {
		const evaluation = join(reports, "05-evaluation.html");
		let browser: Browser;
		before(async () => {
			browser = await launchBrowser();
		});
		after(() => browser?.close());

		test("computes its figures again from the predictions, and marks each", async (t) => {
			const html = readFileSync(evaluation, "utf8");
			const { parts, lacking } = notShown(html, read(join(artifacts, "predictions.json")));
			assert.deepEqual(lacking, []);
			assert.ok(parts > 30);
			const { status, marked, differences, problems } = await verified(browser, html);
			t.diagnostic(status);
			assert.deepEqual([differences, problems], [[], []]);
			assert.match(status, /^All \d+ figures .* 24 test images are as shown \((9[5-9]|100)\.\d %/);
			assert.ok(marked > 100 && !status.includes("Not found"));
		});

		test("shows which figure was edited, and that predictions were", async () => {
			const html = readFileSync(evaluation, "utf8");
			const edited = await verified(browser, html.replace(/(Test Accuracy: )[\d.]+/, "$11.23456"));
			const { test: scores, origin } = read(join(reports, "metrics.json"));
			assert.deepEqual(edited.differences, [` ≠ ${scores.accuracy.toFixed(5)}`]);
			assert.match(edited.status, /^1 of \d+ figures is not what follows/);
			// The first label becomes that of the other class.
			const swapped = html.replace(/("test":\{"yTrue":"A)(.)/, (_, start, bits) => start + (bits === "A" ? "Q" : "A"));
			assert.notEqual(swapped, html);
			const { status, differences } = await verified(browser, swapped);
			assert.match(status, /^The predictions in this page are not those of the run: their SHA-256 is/);
			assert.ok(status.includes(origin.predictions.sha256.slice(0, 12)));
			assert.ok(differences.length > 10);
		});

		test("computes what another threshold, costs and prior give, and keeps the choice in its address", async () => {
			const html = readFileSync(evaluation, "utf8");
			const address = "#what-if?threshold=0.3&falseNegative=7&falsePositive=nonsense&prior=0.5&other=1";
			const { page, problems } = await opened(browser, html, address);
			const choice = { threshold: 0.3, falseNegative: 7, falsePositive: 1, prior: 0.5 };
			const evidence = decoded(read(join(artifacts, "predictions.json")));
			const cells = () => page.locator("#what-if tbody td").allTextContents();
			assert.deepEqual(await cells(), shownOutcome(evidence, choice));
			await page.locator("#what-if [name=threshold]").fill("0.7");
			assert.deepEqual(await cells(), shownOutcome(evidence, { ...choice, threshold: 0.7 }));
			const { hash } = new URL(page.url());
			assert.equal(new URLSearchParams(hash.slice(hash.indexOf("?"))).get("threshold"), "0.7");
			await page.locator("#what-if button").click();
			const { truePositive, falseNegative } = outcomeOf(scoredOf(evidence)[1], { ...evidence.costs, threshold: 0.5 });
			assert.deepEqual((await cells()).slice(0, 2), [String(truePositive), String(falseNegative)]);
			assert.deepEqual(problems, []);
			await page.close();
		});

		test("classifies an image with the network that it holds", async () => {
			const { page, problems } = await opened(browser, readFileSync(evaluation, "utf8"));
			await page.locator("#try button").click();
			const frame = page.frameLocator("#try iframe");
			const { names } = read(join(artifacts, "predictions.json"));
			const image = join(dataset, "test", names[0]);
			await frame.locator("#files").setInputFiles(image);
			const shown = frame.locator("tbody .label + div");
			await shown.waitFor({ timeout: 60_000 });
			const { out } = command("predict", image, "--artifacts", artifacts, "--format", "json");
			const [{ probability }] = JSON.parse(out.slice(out.indexOf("[")));
			// Kernels in 8 bits move a probability by some thousandths.
			assert.ok(Math.abs(Number.parseFloat((await shown.textContent()) ?? "") / 100 - probability) < 0.05);
			assert.deepEqual(problems, []);
			await page.close();
		});
	});

	test("the page of another notebook decides its claims again", { skip: noBrowser }, async () => {
		const browser = await launchBrowser();
		const html = readFileSync(join(reports, "04-training.html"), "utf8");
		const { status, differences, problems } = await verified(browser, html);
		await browser.close();
		assert.match(status, /^All \d+ figures that follow from the intervals that the notebook measured are as shown/);
		assert.deepEqual([differences, problems], [[], []]);
	});

	test("each notebook makes claims, and the numbers of the run support each verdict", () => {
		for (const name of names) {
			const shown = claimsOf(reports, name);
			assert.ok(shown.claims.length >= 5, `${name} makes ${shown.claims.length} claims`);
			assert.deepEqual(unsupported(shown), [], name);
		}
		const run = read(join(reports, "metrics.json"));
		assert.deepEqual(contradictions(claimsOf(reports, "05-evaluation"), run), []);
	});

	test("the same seed gives the same training in another notebook and process", () => {
		assert.deepEqual(read(join(artifacts, "training.json")).history.loss, alone.history.loss);
	});

	test("reports need nothing from elsewhere and hold plotly once", () => {
		// Relative to the notebooks it ends as the absolute path does where the two share no folder but the root.
		const given = relative(folder, dataset);
		for (const name of names) {
			const html = readFileSync(join(reports, `${name}.html`), "utf8");
			assert.doesNotMatch(html, /<(script|img|iframe)[^>]*\ssrc="(https?:)?\/\//, name);
			assert.doesNotMatch(html, /<link[^>]*\shref="(https?:)?\/\//, name);
			assert.doesNotMatch(html, /@import url\("?https?:/, name);
			const figures = html.match(/showFigure\("figure-/g)?.length ?? 0;
			assert.ok(figures > 0, `${name} has no figure`);
			assert.equal(html.match(/<script [^>]*id="plotly"/g)?.length, 1, name);
			assert.ok(html.length < 6e6, `${name} has ${html.length} characters`);
			const others = html.replaceAll(given, "");
			for (const path of [root, dataset]) assert.ok(!others.includes(path), `${name} contains ${path}`);
		}
		const index = readFileSync(join(reports, "index.html"), "utf8");
		for (const name of names) assert.ok(index.includes(`href="${name}.html"`));
		assert.ok(index.includes("synthetic"));
		assert.ok(index.includes("<h2>What next?</h2>"));
		assert.equal(index.match(/<svg /g)?.length, 3);
		assert.match(index, /test accuracy \(95 %: \d+\.\d % to \d+\.\d %, 24 images\)/);
		assert.equal(index.match(/<\/a><br>\w/g)?.length, names.length, "a sentence of each page");
		const { confusionMatrix } = read(join(reports, "metrics.json"));
		const mistakes = confusionMatrix[0][1] + confusionMatrix[1][0];
		const shown = /The most confident mistakes<\/h2>([\s\S]*?)<h2>/.exec(index)?.[1].match(/<img /g) ?? [];
		assert.equal(shown.length, Math.min(12, mistakes));
	});

	test("on a pretrained backbone the same notebooks run, and agree with each other", () => {
		const own = join(work, "pretrained");
		const [artifacts, reports] = [join(own, "artifacts"), join(own, "reports")];
		const places = ["--dataset", dataset, "--artifacts", artifacts, "--reports", reports];
		const network = ["--backbone", "efficientnet-lite0", "--image-size", "64"];
		const { code, out } = report("04", "05", "06", ...places, ...small, ...network);
		assert.equal(code, 0, out);
		const { parameters, verdict } = read(join(reports, "metrics.json"));
		assert.deepEqual([parameters.backbone, parameters.imageSize, parameters.patience], ["efficientnet-lite0", 64, 3]);
		assert.ok(!verdict.join().includes("--backbone"), "none is suggested where there is one");
		for (const name of ["04-training", "05-evaluation", "06-best-practices-and-future-improvements"])
			assert.deepEqual(unsupported(claimsOf(reports, name)), [], name);
		const shown = claimsOf(reports, "06-best-practices-and-future-improvements").claims.map(({ claim }) => claim);
		assert.ok(
			shown.some((claim) => /^A pretrained backbone raises the accuracy with \d+ images$/.test(claim)),
			shown.join(),
		);
		const predicted = command("predict", join(dataset, "test"), "--artifacts", artifacts, "--format", "json");
		assert.equal(predicted.code, 0, predicted.out);
		const exported = command("export", "--artifacts", artifacts, "--output", join(own, "exported"));
		assert.equal(exported.code, 0, exported.out);
		for (const name of ["model.keras", "saved_model", "model.onnx", "tfjs"])
			assert.match(exported.out, new RegExp(`${name}  1[34]\\.\\d\\d MB$`, "m"));
		const { temperature } = read(join(own, "exported", "tfjs", "metadata.json"));
		assert.equal(temperature, read(join(artifacts, "evaluation.json")).temperature);
	});

	test("the best trial of a sweep becomes a report, which repeats it to the last digit", () => {
		const file = join(work, "sweep.json");
		const space = { learningRate: { type: "grid", values: [1e-5, 2e-3] }, imageSize: 48, epochs: 2, batchSize: 16 };
		// As an editor on Windows saves it, with a comment.
		const written = JSON.stringify({ space, objective: "loss", threads: 1 });
		writeFileSync(file, `\ufeff// two learning rates\r\n${written}`);
		const folder = join(work, "sweeps");
		const { code, out } = command("sweep", file, "--dataset", dataset, "--folder", folder, "--report", "best");
		assert.equal(code, 0, out);
		assert.match(out, /^Best: trial 1 /m);
		const results = join(folder, readdirSync(folder).join());
		const { history, parameters } = read(join(results, "reports", "1", "metrics.json"));
		assert.deepEqual(history, read(join(results, "trials", "0001.json")).curves);
		assert.equal(parameters.learningRate, 2e-3);
		assert.ok(existsSync(join(results, "reports", "1", "05-evaluation.html")));
	});

	test("a cell that fails is named with its notebook and error, and the exit code says so", () => {
		const { code, out } = report("03", "--image-size", "20", ...places);
		assert.equal(code, 1);
		assert.match(out, /^03-model-architecture, cell \[\d+\] `.+`: \w*Error: .+$/m);
		assert.ok(readFileSync(join(reports, "03-model-architecture.html"), "utf8").includes("Error"));
	});

	test("training that diverges ends in a sentence, and the model of an earlier run stays", () => {
		const before = contents(artifacts);
		const { code, out } = report("04", ...places, ...small, "-p", "learningRate=1e30");
		assert.equal(code, 1);
		assert.match(
			out,
			/^04-training, cell \[\d+\] `.+`: \w*Error: the loss is not a number since epoch 1: lower learningRate \(1e\+30\)$/m,
		);
		assert.deepEqual(contents(artifacts), before);
		const html = readFileSync(join(reports, "04-training.html"), "utf8");
		assert.ok(html.includes("the loss is not a number since epoch 1") && !/(loss|acc)\S* (NaN|undefined)/i.test(html));
	});

	test("bad folders are refused in one line, before anything runs", () => {
		const line = (...args: string[]) => {
			const { code, out } = report(...args);
			assert.equal(code, 1);
			assert.equal(out.trimEnd().split("\n").length, 1, out);
			return out;
		};
		assert.match(line("--dataset", join(work, "nothing")), /nothing: there is no such folder/);
		mkdirSync(join(work, "flat", "cats"), { recursive: true });
		assert.match(line("--dataset", join(work, "flat")), /flat has only one class, cats: at least two are needed/);
		assert.match(line("--epochz", "3"), /unknown parameter --epochz: did you mean --epochs\?/);
	});
});
