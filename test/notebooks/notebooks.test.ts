import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { decoded } from "../../src/pipeline/decoded-predictions";
import { notebookNames } from "../../tools/jupyter/notebooks.mjs";
import { outcomeOf, scoredOf } from "../../tools/report/interactive/outcome";
import { launchBrowser, noBrowser } from "../browser";
import { command, contents, root, temporaryFolder } from "../helpers";
import { claimsOf, contradictions, unsupported } from "./claims";
import { crossCheck } from "./cross-check";
import { notShown, opened, shownOutcome, verified } from "./interactive-page";
import { makeSmallDataset, readJson, smallRun } from "./small-run";

const folder = join(root, "notebooks");
const names = notebookNames();
const report = (...args: string[]) => command("report", ...args);

describe("on a small data set with broken files,", () => {
	const work = temporaryFolder();
	const [dataset, artifacts, reports] = ["dataset", "artifacts", "reports"].map((name) => join(work, name));
	const places = ["--dataset", dataset, "--artifacts", artifacts, "--reports", reports];

	before(() => makeSmallDataset(dataset));

	let alone: { history: { loss: number[] } };
	test("a late notebook runs alone: it cleans and trains what it needs; --no-input leaves the code out", () => {
		const { code, out } = report("05", "--no-input", ...places, ...smallRun);
		assert.equal(code, 0, out);
		alone = readJson(join(artifacts, "training.json"));
		assert.equal(readJson(join(reports, "metrics.json")).removed, 10);
		assert.ok(!existsSync(join(reports, "04-training.html")));
		const html = readFileSync(join(reports, "05-evaluation.html"), "utf8");
		assert.ok(!html.includes("loadOrTrain") && html.includes("cracked"));
	});

	test("all run in order, and metrics.json holds what programs read", () => {
		const { code, out } = report("--with-model", "--with-names", ...places, ...smallRun, "-p", "comparisonSteps=20");
		assert.equal(code, 0, out);
		const metrics = readJson(join(reports, "metrics.json"));
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
			const { parts, lacking } = notShown(html, readJson(join(artifacts, "predictions.json")));
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
			const { test: scores, origin } = readJson(join(reports, "metrics.json"));
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
			const evidence = decoded(readJson(join(artifacts, "predictions.json")));
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
			const { names } = readJson(join(artifacts, "predictions.json"));
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

	test("the page of another notebook decides its claims again", { skip: noBrowser }, async (t) => {
		const browser = await launchBrowser();
		t.after(() => browser.close());
		const html = readFileSync(join(reports, "04-training.html"), "utf8");
		const { status, differences, problems } = await verified(browser, html);
		assert.match(status, /^All \d+ figures that follow from the intervals that the notebook measured are as shown/);
		assert.deepEqual([differences, problems], [[], []]);
	});

	test("each notebook makes claims, and the numbers of the run support each verdict", () => {
		for (const name of names) {
			const shown = claimsOf(reports, name);
			assert.ok(shown.claims.length >= 5, `${name} makes ${shown.claims.length} claims`);
			assert.deepEqual(unsupported(shown), [], name);
		}
		const run = readJson(join(reports, "metrics.json"));
		assert.deepEqual(contradictions(claimsOf(reports, "05-evaluation"), run), []);
	});

	test("the same seed gives the same training in another notebook and process", () => {
		assert.deepEqual(readJson(join(artifacts, "training.json")).history.loss, alone.history.loss);
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
		const { confusionMatrix } = readJson(join(reports, "metrics.json"));
		const mistakes = confusionMatrix[0][1] + confusionMatrix[1][0];
		const shown = /The most confident mistakes<\/h2>([\s\S]*?)<h2>/.exec(index)?.[1].match(/<img /g) ?? [];
		assert.equal(shown.length, Math.min(12, mistakes));
	});

	test("a cell that fails is named with its notebook and error, and the exit code says so", () => {
		const { code, out } = report("03", "--image-size", "20", ...places);
		assert.equal(code, 1);
		assert.match(out, /^03-model-architecture, cell \[\d+\] `.+`: \w*Error: .+$/m);
		assert.ok(readFileSync(join(reports, "03-model-architecture.html"), "utf8").includes("Error"));
	});

	test("training that diverges ends in a sentence, and the model of an earlier run stays", () => {
		const before = contents(artifacts);
		const { code, out } = report("04", ...places, ...smallRun, "-p", "learningRate=1e30");
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
